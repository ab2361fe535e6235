import { type Command, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { type Channel, channelDefinition, channelNames, isChannel } from "../../contract/channels.ts";

/** Makes a parser of an option or argument from a schema; commander prints the reason with the option's name. */
export const parser =
  <T>(schema: z.ZodType<T>) =>
  (text: string): T => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(parsed.error.issues.map(({ message }) => message).join("; "));
  };

/** A whole number within bounds. */
export const wholeNumber = (minimum: number, maximum: number) => {
  const error = `It must be a whole number from ${minimum} to ${maximum}.`;
  return parser(z.coerce.number<string>({ error }).int({ error }).min(minimum, { error }).max(maximum, { error }));
};

/** A number within bounds. */
export const number = (minimum: number, maximum: number) => {
  const error = `It must be a number from ${minimum} to ${maximum}.`;
  return parser(z.coerce.number<string>({ error }).min(minimum, { error }).max(maximum, { error }));
};

/** A channel of the contract. */
export const channel = parser(
  z
    .string()
    .refine(isChannel, `There is no channel of that name: there are ${channelNames.join(", ")}.`) as z.ZodType<Channel>,
);

/** An address of one of the protocols. */
export const address = (...protocols: readonly string[]) => {
  const error = `It must be a URL of ${protocols.join(", ")}.`;
  return parser(
    z.url({ protocol: new RegExp(`^(${protocols.join("|")})$`), error }).transform((text) => new URL(text)),
  );
};

/** The options of commands that reach a system. */
export interface SystemOptions {
  readonly url: URL;
}

/** The options of commands that connect as a client. */
export interface ClientOptions extends SystemOptions {
  readonly managed: boolean;
  readonly sub?: string;
  readonly tokenFile?: string;
}

export const addJson = (command: Command): Command => command.option("--json", "print JSON for programs", false);

export const addSystemOptions = (command: Command): Command =>
  command.addOption(
    new Option("--url <url>", "the system: the output Endpoint of the deploy, or that of npm start")
      .env("VEZTA_URL")
      .argParser(address("http", "https", "ws", "wss"))
      .default(new URL("http://localhost:3000"), "http://localhost:3000"),
  );

export const addClientOptions = (command: Command): Command =>
  addSystemOptions(command)
    .option("--managed", "connect to the managed edge of a local system", false)
    .option("--sub <user>", "the user of the token, which a local system signs")
    .option("--token-file <file>", "a file with the user's token; or set VEZTA_TOKEN");

/** The key of a stream on a channel: required where the channel is split, forbidden where it is not. */
export function streamOf(name: Channel, key: string | undefined): { channel: Channel; key: string | undefined } {
  const { key: kind } = channelDefinition(name);
  if (kind === "none" && key !== undefined)
    throw new InvalidArgumentError(`channel ${name} is one stream: it takes no --key`);
  if (kind !== "none" && key === undefined)
    throw new InvalidArgumentError(
      `channel ${name} is split: give --key with the ${kind === "user" ? "user" : "market"}`,
    );
  return { channel: name, key };
}
