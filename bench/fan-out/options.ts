import { parseArgs } from "node:util";
import { type ServerName, serverNames } from "./servers/servers.ts";
import { type ShapeName, shapeNames } from "./shapes.ts";

const FULL_RUNS = 5;
const QUICK_RUNS = 2;
const MAXIMUM_RUNS = 50;

export const usage = `npm run bench -- [options]

  --quick              ${QUICK_RUNS} runs instead of ${FULL_RUNS}
  --runs N             runs of every server under every shape
  --shapes a,b         only these: ${shapeNames.join(", ")}
  --servers a,b        only these: ${serverNames.join(", ")}
  --json FILE          writes the rows there
  --gateway-root DIR   measures the gateway of another checkout
`;

/** The command line does not make sense; the message says what is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface CommandLine {
  readonly shapes: readonly ShapeName[];
  readonly servers: readonly ServerName[];
  readonly runs: number;
  readonly json: string | undefined;
  readonly gatewayRoot: string | undefined;
  readonly isHelp: boolean;
}

function toNames<T extends string>(option: string, value: string | undefined, known: readonly T[]): readonly T[] {
  if (value === undefined) return known;
  const asked = value.split(",").map((name) => name.trim());
  const unknown = asked.find((name) => !known.some((each) => each === name));
  if (unknown !== undefined) {
    throw new UsageError(`--${option}: ${JSON.stringify(unknown)} is not one of ${known.join(", ")}`);
  }
  return known.filter((name) => asked.includes(name));
}

function toRuns(value: string | undefined, fallback: number): number {
  const runs = value === undefined ? fallback : Number(value);
  if (Number.isInteger(runs) && runs > 0 && runs <= MAXIMUM_RUNS) return runs;
  throw new UsageError(`--runs: ${JSON.stringify(value)} is not a whole number from 1 to ${MAXIMUM_RUNS}`);
}

/** @throws UsageError where an option is unknown or has a wrong value. */
export function parseCommandLine(values: readonly string[]): CommandLine {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = {
    quick: flag,
    help: flag,
    runs: text,
    shapes: text,
    servers: text,
    json: text,
    "gateway-root": text,
  };
  try {
    const parsed = parseArgs({ args: [...values], options, strict: true }).values;
    return {
      shapes: toNames("shapes", parsed.shapes, shapeNames),
      servers: toNames("servers", parsed.servers, serverNames),
      runs: toRuns(parsed.runs, parsed.quick ? QUICK_RUNS : FULL_RUNS),
      json: parsed.json,
      gatewayRoot: parsed["gateway-root"],
      isHelp: parsed.help,
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
