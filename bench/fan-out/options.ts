import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type ServerName, serverNames, usualServers } from "./servers/servers.ts";
import { createShapes, type Shape, type ShapeName, shapeNames } from "./shapes.ts";

const FULL_RUNS = 5;
const QUICK_RUNS = 2;
const MAXIMUM_RUNS = 50;
const MAXIMUM_STALLED_SECONDS = 1_200;

export const usage = `npm run bench -- [options]

Without options all of it is measured, and docs/performance.md and its charts are written.

  --quick              ${QUICK_RUNS} runs instead of ${FULL_RUNS}
  --runs N             runs of every server under every shape
  --shapes a,b         only these: ${shapeNames.join(", ")}
  --servers a,b        only these: ${serverNames.join(", ")}
  --json FILE          writes the rows there
  --stalled-seconds N  how long the shape stalled lasts (default 60)
  --gateway-root DIR   measures the gateway of another checkout
  --docs               writes docs/performance.md and its charts in any case
  --from FILE          measures nothing, and takes the rows from there
`;

/** The command line does not make sense; the message says what is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface CommandLine {
  readonly shapes: ReadonlyMap<ShapeName, Shape>;
  readonly servers: readonly ServerName[];
  readonly runs: number;
  readonly json: string | undefined;
  readonly gatewayRoot: string | undefined;
  /** A file of rows that were measured before, to be shown again. */
  readonly from: string | undefined;
  /** True if the documentation is written. */
  readonly writesDocs: boolean;
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

function toNumber(option: string, value: string | undefined, maximum: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0 && number <= maximum) return number;
  throw new UsageError(`--${option}: ${JSON.stringify(value)} is not a whole number from 1 to ${maximum}`);
}

/** Servers that were asked for by name are measured under every shape. */
function toShapes(names: readonly ShapeName[], areServersChosen: boolean, stalledSeconds: number | undefined) {
  const shapes = createShapes(stalledSeconds);
  return new Map(
    names.map((name): [ShapeName, Shape] => {
      const { servers, ...shape } = shapes[name];
      return [name, { ...shape, servers: areServersChosen ? serverNames : (servers ?? usualServers) }];
    }),
  );
}

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;
const options = {
  ...{ quick: flag, help: flag, docs: flag, runs: text, shapes: text, servers: text, json: text, from: text },
  ...{ "gateway-root": text, "stalled-seconds": text },
};

/** @throws UsageError where an option is unknown or has a wrong value. */
export function parseCommandLine(values: readonly string[]): CommandLine {
  try {
    const { values: parsed, tokens } = parseArgs({ args: [...values], options, strict: true, tokens: true });
    const given = tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const stalledSeconds = toNumber("stalled-seconds", parsed["stalled-seconds"], MAXIMUM_STALLED_SECONDS);
    return {
      shapes: toShapes(toNames("shapes", parsed.shapes, shapeNames), parsed.servers !== undefined, stalledSeconds),
      servers: toNames("servers", parsed.servers, serverNames),
      runs: toNumber("runs", parsed.runs, MAXIMUM_RUNS) ?? (parsed.quick ? QUICK_RUNS : FULL_RUNS),
      json: parsed.json,
      gatewayRoot: parsed["gateway-root"] === undefined ? undefined : resolve(parsed["gateway-root"]),
      from: parsed.from,
      // Nothing is set but where to write: a run of everything.
      writesDocs: parsed.docs || given.every((name) => name === "json"),
      isHelp: parsed.help,
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
