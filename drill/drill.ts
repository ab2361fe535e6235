import { type FaultName, faults } from "./faults.ts";
import { runRound } from "./round.ts";
import { type RoundResult, type Row, toRow } from "./row.ts";
import type { StreamTruth } from "./truth.ts";
import { startWorld } from "./world.ts";

/** Most messages of one round: what the streams hold must cover all of it. */
const MESSAGES_PER_ROUND = 12_000;

export interface DrillOptions {
  readonly faults: readonly FaultName[];
  /** Messages a second. */
  readonly rate: number;
  /** Messages in all; every fault strikes as often as it takes. 0: every fault once. */
  readonly messages: number;
}

/** Callbacks that report the progress of the drill. */
export interface DrillListener {
  onStarted?(): void;
  /** A round begins; `published` messages of this fault are out so far. */
  onRound?(fault: FaultName, published: number): void;
  onRow?(row: Row, problems: readonly string[]): void;
  /** The drill itself fails; what it started is ended after that. */
  onFailure?(error: unknown): void;
}

export interface RunningDrill {
  /** The rows, in the order of the faults. Rejects where the drill itself fails. */
  readonly rows: Promise<readonly Row[]>;
  /** Ends everything that the drill started. Called by the drill itself at its end. */
  stop(): Promise<void>;
}

/** Starts the whole system and lets one fault after the other strike it. */
export function startDrill(options: DrillOptions, listener: DrillListener = {}): RunningDrill {
  const ends: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    // The last one started goes first: what it needs is still there then.
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  };
  const run = async (): Promise<readonly Row[]> => {
    try {
      return await strikeAll(options, listener, (end) => ends.push(end));
    } catch (error) {
      listener.onFailure?.(error);
      throw error;
    } finally {
      await stop();
    }
  };
  return { rows: run(), stop };
}

async function strikeAll(
  { faults: names, rate, messages }: DrillOptions,
  listener: DrillListener,
  onStarted: (end: () => Promise<void>) => void,
): Promise<readonly Row[]> {
  const hasClocks = names.some((name) => "needsClocks" in faults[name]);
  const world = await startWorld({ rate, hasClocks, onStarted });
  listener.onStarted?.();
  const share = messages / names.length;
  const rows: Row[] = [];
  let last: ReadonlyMap<string, StreamTruth> = new Map();
  for (const name of names) {
    const rounds: RoundResult[] = [];
    let published = 0;
    do {
      listener.onRound?.(name, published);
      const target = Math.min(MESSAGES_PER_ROUND, share - published);
      const { result, truths } = await runRound(world, faults[name], { messages: target, last });
      rounds.push(result);
      published += result.published;
      last = truths;
    } while (published < share);
    const row = toRow(name, rounds);
    rows.push(row);
    listener.onRow?.(
      row,
      rounds.flatMap(({ problems }) => problems),
    );
  }
  return rows;
}
