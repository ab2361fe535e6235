import { createIssuer, type Issuer } from "../../local/issuer.ts";
import type { Measurement } from "./measurement.ts";
import { type Row, toRow, withRatios } from "./row.ts";
import type { Contender } from "./servers/contender.ts";
import type { ServerName } from "./servers/servers.ts";
import { Session } from "./session.ts";
import { type ShapeName, shapes } from "./shapes.ts";
import { type TopologyName, topologies } from "./topologies.ts";

export interface RunnerOptions {
  readonly contenders: ReadonlyMap<ServerName, Contender>;
  readonly shapes: readonly ShapeName[];
  readonly runs: number;
  readonly onProgress: (text: string) => void;
  readonly onMeasurement: (shape: ShapeName, server: ServerName, measurement: Measurement) => void;
}

/** One after the other in one session: they have the same clients. */
interface Group {
  readonly topology: TopologyName;
  readonly shapes: readonly ShapeName[];
}

function groupsOf(names: readonly ShapeName[]): Group[] {
  const used = [...new Set(names.map((name) => shapes[name].topology))];
  return used.map((topology) => ({ topology, shapes: names.filter((name) => shapes[name].topology === topology) }));
}

const canTake = ({ hasRooms }: Contender, topology: TopologyName): boolean =>
  hasRooms || topologies[topology].rooms.length === 1;

interface GroupRun {
  readonly group: Group;
  readonly contender: Contender;
  readonly issuer: Issuer;
  readonly onShape: (shape: ShapeName) => void;
  readonly onMeasurement: (shape: ShapeName, measurement: Measurement) => void;
}

/** Measures one server once under the shapes of a group; a new session after one that left something undelivered. */
async function runGroup({ group, contender, issuer, onShape, onMeasurement }: GroupRun): Promise<void> {
  let session: Session | undefined;
  try {
    for (const shape of group.shapes) {
      onShape(shape);
      if (!session) {
        session = await Session.open({ contender, topology: topologies[group.topology], issuer });
        await session.connect();
      }
      onMeasurement(shape, await session.measure(shapes[shape].traffic));
      if (!session.isSpoilt) continue;
      await session.close();
      session = undefined;
    }
  } finally {
    await session?.close();
  }
}

/**
 * Measures every server under every shape, `runs` times. The servers take turns, so that what else the machine does
 * meets all of them alike.
 *
 * @throws Error of the first part that fails; everything that was started has ended then.
 */
export async function runAll(options: RunnerOptions): Promise<Row[]> {
  const { contenders, runs, onProgress } = options;
  for (const contender of contenders.values()) await contender.prepare?.(onProgress);
  const issuer = await createIssuer();
  const results = new Map<string, Measurement[]>();
  const turns = groupsOf(options.shapes).flatMap((group) => {
    const able = [...contenders].filter(([, contender]) => canTake(contender, group.topology));
    return Array.from({ length: runs }, (_, run) => able.map((entry) => ({ group, run, entry }))).flat();
  });
  for (const { group, run, entry } of turns) {
    const [server, contender] = entry;
    await runGroup({
      ...{ group, contender, issuer },
      onShape: (shape) => onProgress(`run ${run + 1} of ${runs}: ${shape}, ${contender.label}`),
      onMeasurement(shape, measurement) {
        const name = `${shape} ${server}`;
        results.set(name, [...(results.get(name) ?? []), measurement]);
        options.onMeasurement(shape, server, measurement);
      },
    });
  }
  const rows = options.shapes.flatMap((shape) =>
    [...contenders.keys()].flatMap((server) => {
      const measurements = results.get(`${shape} ${server}`);
      return measurements ? [toRow(shape, server, measurements)] : [];
    }),
  );
  return withRatios(rows);
}
