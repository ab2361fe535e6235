import { Command } from "commander";
import picocolors from "picocolors";
import { type Context, FailedError } from "../command/context.ts";
import { addClientOptions, addJson, type ClientOptions } from "../command/options.ts";
import { checkRedis } from "../doctor/check-redis.ts";
import { checkConfiguration, checkEndpoint, checkIssuer } from "../doctor/check-service.ts";
import type { Finding } from "../doctor/finding.ts";
import { findSystem } from "../system/system.ts";
import { clientUrl, findToken } from "../system/token.ts";

const { bold, dim, green, red, yellow } = picocolors;

interface DoctorOptions extends ClientOptions {
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  vezta doctor
  RT_REDIS_URL=rediss://… RT_REDIS_CLUSTER=true vezta doctor --url https://realtime.example.com
  vezta doctor --json | jq '.[] | select(.result != "ok")'

Changes nothing. Exit code 1 if a check failed; warnings and what could not be checked from here do not count.`;

const marks = { ok: green("✔"), failed: red("✘"), warning: yellow("!"), skipped: dim("–") } as const;

const describe = ({ check, result, detail, remedy }: Finding): string =>
  `${marks[result]} ${bold(check.padEnd(17))} ${detail}${remedy === undefined ? "" : `\n  ${"".padEnd(17)} → ${remedy}`}`;

async function doctor(context: Context, options: DoctorOptions): Promise<void> {
  const { output } = context;
  const system = await findSystem(context, options);
  const token = await findToken(system, options);
  const findings = [
    checkConfiguration(system),
    ...(await checkEndpoint(clientUrl(system, options), token)),
    ...(await checkRedis(system)),
    await checkIssuer(system),
  ];
  if (options.json) output.printJson(findings);
  else for (const finding of findings) output.print(describe(finding));
  if (findings.some(({ result }) => result === "failed")) throw new FailedError("a check failed");
}

export const doctorCommand = (context: Context): Command =>
  addClientOptions(addJson(new Command("doctor")))
    .summary("check a system, and say how to mend what is wrong")
    .description(
      "Checks configuration, endpoint, Redis (version, mode, memory policy, users and rights, clock) and issuer.",
    )
    .addHelpText("after", EXAMPLES)
    .action((options: DoctorOptions) => doctor(context, options));
