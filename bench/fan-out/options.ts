import { resolve } from "node:path";
import * as z from "zod";
import { flag, positive, someOf } from "../../tools/command-line.ts";
import { serverNames, usualServers } from "./servers/servers.ts";
import { createShapes, type Durations, type Shape, type ShapeName, shapeNames } from "./shapes.ts";

const FULL_RUNS = 5;
const QUICK_RUNS = 2;
const MAXIMUM_RUNS = 50;
const MAXIMUM_SECONDS = 1_200;

const usage = `npm run bench -- [options]

Without options all of it is measured, and docs/performance.md and its charts are written.

  --quick              ${QUICK_RUNS} runs instead of ${FULL_RUNS}
  --runs N             runs of every server under every shape
  --shapes a,b         only these: ${shapeNames.join(", ")}
  --servers a,b        only these: ${serverNames.join(", ")}
  --json FILE          writes the rows there
  --stalled-seconds N  how long the shape stalled lasts (default 60)
  --mixed-seconds N    how long the shape mixed lasts (default 60)
  --gateway-root DIR   measures the gateway of another checkout
  --docs               writes docs/performance.md and its charts in any case
  --from FILE          measures nothing, and takes the rows from there
`;

/** Servers that were asked for by name are measured under every shape. */
function toShapes(names: readonly ShapeName[], areServersChosen: boolean, durations: Durations) {
  const shapes = createShapes(durations);
  return new Map(
    names.map((name): [ShapeName, Shape] => {
      const { servers, ...shape } = shapes[name];
      return [name, { ...shape, servers: areServersChosen ? serverNames : (servers ?? usualServers) }];
    }),
  );
}

const optionsSchema = z.object({
  quick: flag,
  docs: flag,
  runs: positive.max(MAXIMUM_RUNS).optional(),
  shapes: someOf(shapeNames).optional(),
  servers: someOf(serverNames).optional(),
  json: z.string().optional(),
  "stalled-seconds": positive.max(MAXIMUM_SECONDS).optional(),
  "mixed-seconds": positive.max(MAXIMUM_SECONDS).optional(),
  "gateway-root": z
    .string()
    .transform((path) => resolve(path))
    .optional(),
  /** A file of rows that were measured before, to be shown again. */
  from: z.string().optional(),
});

type Options = z.output<typeof optionsSchema>;

/** True if nothing is set but where to write: a run of everything. */
const isFullRun = ({ json: _json, quick, ...others }: Options): boolean =>
  !quick && Object.values(others).every((value) => value === undefined || value === false);

/** The command line of the bench. */
export const command = {
  usage,
  texts: ["runs", "shapes", "servers", "json", "stalled-seconds", "mixed-seconds", "gateway-root", "from"],
  flags: ["quick", "docs"],
  schema: optionsSchema.transform((options) => ({
    shapes: toShapes(options.shapes ?? shapeNames, options.servers !== undefined, {
      stalledSeconds: options["stalled-seconds"],
      mixedSeconds: options["mixed-seconds"],
    }),
    servers: options.servers ?? serverNames,
    runs: options.runs ?? (options.quick ? QUICK_RUNS : FULL_RUNS),
    json: options.json,
    gatewayRoot: options["gateway-root"],
    from: options.from,
    /** True if the documentation is written. */
    writesDocs: options.docs || isFullRun(options),
  })),
};

export type CommandLine = z.output<typeof command.schema>;
