import { messageOf } from "../../kernel/as-error.ts";
import { createIssuer, type Issuer } from "../../local/issuer.ts";
import type { Measurement } from "./measurement.ts";
import { type Row, toRow, withRatios } from "./row.ts";
import type { Contender } from "./servers/contender.ts";
import type { ServerName } from "./servers/servers.ts";
import { Session } from "./session.ts";
import type { Shape, ShapeName } from "./shapes.ts";
import { type TopologyName, topologies } from "./topologies.ts";
import { needsClients, runTrial } from "./trials.ts";

export interface RunnerOptions {
  readonly contenders: ReadonlyMap<ServerName, Contender>;
  /** In the order in which they are measured. */
  readonly shapes: ReadonlyMap<ShapeName, Shape>;
  readonly runs: number;
  readonly onProgress: (text: string) => void;
  readonly onMeasurement: (shape: ShapeName, server: ServerName, measurement: Measurement) => void;
}

/** Shapes that are measured one after the other in one session: they have the same clients. */
interface Group {
  readonly topology: TopologyName;
  readonly shapes: readonly ShapeName[];
}

/** One server's turn under the shapes of a group. */
interface Turn extends Group {
  readonly run: number;
  readonly server: ServerName;
  readonly contender: Contender;
}

function groupsOf(shapes: ReadonlyMap<ShapeName, Shape>): Group[] {
  const entries = [...shapes];
  const used = new Set(entries.map(([, { topology }]) => topology));
  return [...used].map((topology) => ({
    topology,
    shapes: entries.filter(([, shape]) => shape.topology === topology).map(([name]) => name),
  }));
}

const canTake = ({ hasRooms }: Contender, topology: TopologyName): boolean =>
  hasRooms || topologies[topology].rooms.length === 1;

/** Servers and shapes, `runs` times: what else the machine does meets all servers alike. */
function turnsOf({ contenders, shapes, runs }: RunnerOptions): Turn[] {
  const isDue = (name: ShapeName, server: ServerName, run: number): boolean => {
    const { maximumRuns = runs, servers } = shapes.get(name) ?? {};
    return run < maximumRuns && (servers?.includes(server) ?? true);
  };
  return groupsOf(shapes).flatMap(({ topology, shapes: names }) =>
    Array.from({ length: runs }, (_, run) =>
      [...contenders]
        .filter(([, contender]) => canTake(contender, topology))
        .map(([server, contender]) => {
          return { topology, run, server, contender, shapes: names.filter((name) => isDue(name, server, run)) };
        })
        .filter((turn) => turn.shapes.length > 0),
    ).flat(),
  );
}

/** Measures servers under shapes, one after the other. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #results = new Map<string, Measurement[]>();
  #end = async (): Promise<void> => undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /**
   * Measures everything. The servers take turns, so that what else the machine does meets all of them alike.
   *
   * @throws Error of the first part that fails, with the server's log; everything that was started has ended then.
   */
  async run(): Promise<Row[]> {
    const { contenders, shapes, onProgress } = this.#options;
    for (const contender of contenders.values()) await contender.prepare?.(onProgress);
    const issuer = await createIssuer();
    const turns = turnsOf(this.#options);
    for (const [index, turn] of turns.entries()) {
      await this.#take(turn, issuer, (shape) =>
        onProgress(`${index + 1} of ${turns.length}: ${shape}, ${turn.contender.label}, run ${turn.run + 1}`),
      );
    }
    const rows = [...shapes.keys()].flatMap((shape) =>
      [...contenders.keys()].flatMap((server) => {
        const measurements = this.#results.get(`${shape} ${server}`);
        return measurements ? [toRow(shape, server, measurements)] : [];
      }),
    );
    return withRatios(rows);
  }

  /** Ends what is running now; `run` rejects then. */
  stop(): Promise<void> {
    return this.#end();
  }

  /** A session serves all shapes of the turn, unless one has left something undelivered. */
  async #take(turn: Turn, issuer: Issuer, onShape: (shape: ShapeName) => void): Promise<void> {
    let session: Session | undefined;
    try {
      for (const name of turn.shapes) {
        const shape = this.#options.shapes.get(name);
        if (!shape) continue;
        onShape(name);
        if (!session) {
          session = await this.#open(turn, issuer);
          if (needsClients(shape.trial)) await session.prepare();
        }
        this.#record(name, turn.server, await runTrial(session, shape.trial));
        if (!session.isSpoilt) continue;
        await session.close();
        session = undefined;
      }
    } catch (cause) {
      throw new Error(`${turn.contender.label}: ${messageOf(cause)}\n${session?.log ?? ""}`, { cause });
    } finally {
      await session?.close();
    }
  }

  #open({ contender, topology }: Turn, issuer: Issuer): Promise<Session> {
    return Session.open({ contender, topology: topologies[topology], issuer }, (end) => {
      this.#end = end;
    });
  }

  #record(shape: ShapeName, server: ServerName, measurement: Measurement): void {
    const name = `${shape} ${server}`;
    this.#results.set(name, [...(this.#results.get(name) ?? []), measurement]);
    this.#options.onMeasurement(shape, server, measurement);
  }
}
