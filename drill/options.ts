import { parseArgs } from "node:util";
import type { DrillOptions } from "./drill.ts";
import { type FaultName, faultNames } from "./faults.ts";

const QUICK_RATE = 300;

/** Load that two cores carry, with the managed edge's functions, database and queue on them as well. */
const FULL = { rate: 1_000, messages: 100_000 };

export const usage = `npm run drill -- [options]

  --quick          every fault once, in a few minutes
  --messages N     messages in all; every fault strikes as often as it takes (default ${FULL.messages})
  --rate N         messages a second (default ${FULL.rate}, with --quick ${QUICK_RATE})
  --faults a,b     only these, in this order: ${faultNames.join(", ")}
  --json FILE      writes the rows there as well
  --markdown FILE  writes the table there as docs/delivery.md has it
`;

/** The command line does not make sense; the message says what is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface CommandLine extends DrillOptions {
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly isHelp: boolean;
}

function toNumber(name: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UsageError(`--${name}: ${JSON.stringify(value)} is not a whole number above 0`);
}

const isFaultName = (name: string): name is FaultName => faultNames.some((known) => known === name);

function toFaults(value: string | undefined): readonly FaultName[] {
  if (value === undefined) return faultNames;
  return value.split(",").map((name) => {
    if (isFaultName(name)) return name;
    throw new UsageError(`--faults: there is no fault ${JSON.stringify(name)}; there are ${faultNames.join(", ")}`);
  });
}

/** @throws UsageError where an option is unknown or has a wrong value. */
export function parseCommandLine(values: readonly string[]): CommandLine {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = { quick: flag, help: flag, json: text, markdown: text, messages: text, rate: text, faults: text };
  try {
    const parsed = parseArgs({ args: [...values], options, strict: true }).values;
    const defaults = parsed.quick ? { rate: QUICK_RATE, messages: 0 } : FULL;
    return {
      faults: toFaults(parsed.faults),
      rate: toNumber("rate", parsed.rate, defaults.rate),
      messages: toNumber("messages", parsed.messages, defaults.messages),
      json: parsed.json,
      markdown: parsed.markdown,
      isHelp: parsed.help,
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
