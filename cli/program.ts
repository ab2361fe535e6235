import { Command, CommanderError } from "commander";
import picocolors from "picocolors";
import { messageOf } from "../kernel/as-error.ts";
import { ConfigurationError } from "../kernel/env.ts";
import { type Context, EXIT, FailedError, UsageError } from "./command/context.ts";
import { commands } from "./commands/commands.ts";

const EXAMPLES = `
A local system (npm start) needs no options. A deployed one is named by:
  VEZTA_URL                 the output Endpoint of the deploy: https:// of the gateway, wss:// of the managed edge
  VEZTA_TOKEN               a user's token, for private channels
  RT_REDIS_URL, RT_REDIS_CLUSTER, RT_REDIS_USERNAME, RT_REDIS_PASSWORD
                            for the commands that read Redis, from a machine inside the VPC
  AWS credentials           for publish, replay and redrive

Examples:
  vezta doctor                                  what is wrong, and how to mend it
  vezta tail market:prices --market m1 --verify
  vezta inspect                                 gateways, rooms and streams
  vezta smoke --url https://realtime.example.com

Exit codes: 0 done, 1 failed, 2 wrong options.`;

/** Builds the command line with all commands. */
export function createProgram(context: Context): Command {
  const program = new Command("vezta")
    .description("Looks at, tests and operates a Vezta Realtime system, local or deployed.")
    .showHelpAfterError("(vezta --help, or vezta <command> --help, shows how)")
    .addHelpText("after", EXAMPLES);
  for (const create of commands) program.addCommand(create(context));
  const settle = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.output.print(text.trimEnd()),
      writeErr: (text) => context.output.note(text.trimEnd()),
    });
    for (const each of command.commands) settle(each);
  };
  settle(program);
  return program;
}

/** Runs one command line. Resolves with the exit code; never rejects. */
export async function runProgram(values: readonly string[], context: Context): Promise<number> {
  const { output } = context;
  try {
    await createProgram(context).parseAsync([...values], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    output.endProgress();
    if (error instanceof CommanderError) {
      // Commander has printed its own errors; an argument that a command refuses itself it has not.
      if (error.code === "commander.invalidArgument" && !error.message.startsWith("error:"))
        output.note(`error: ${error.message}`);
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    if (!(error instanceof FailedError)) output.note(picocolors.red(messageOf(error)));
    return error instanceof UsageError || error instanceof ConfigurationError || error instanceof RangeError
      ? EXIT.usage
      : EXIT.failed;
  }
}
