import type { Acknowledged } from "./feed.ts";
import { countsNewestOnly, type DrillStream, streams } from "./messages.ts";
import type { Outage } from "./outage.ts";
import {
  describe,
  judge,
  type StreamRecord,
  stateOf,
  streamNameOf,
  type Violation,
  type ViolationKind,
} from "./second-judge/index.js";
import type { StreamTruth } from "./truth.ts";
import type { World } from "./world.ts";

/** A client that misses a whole channel has a line for each of its streams: the others must be seen too. */
const MAXIMUM_PROBLEMS_EACH = 3;
const MAXIMUM_PROBLEMS = 30;

interface Evidence {
  readonly truths: ReadonlyMap<string, StreamTruth>;
  readonly outage: Outage;
  /** Why publishers did not get everything acknowledged, where they did not. */
  readonly stuck: readonly string[];
}

/** Counts of the second judge in a round. */
export interface SecondCounts {
  /** Streams as single clients saw them, with at least one message. */
  readonly histories: number;
  /** Messages that applications were given. */
  readonly applied: number;
  /** Number of times that an application was notified of a loss. */
  readonly told: number;
  readonly violations: number;
  readonly violationKinds: Readonly<Partial<Record<ViolationKind, number>>>;
}

export interface SecondVerdict {
  readonly counts: SecondCounts;
  /** Clients with a violation. */
  readonly concerned: ReadonlySet<string>;
  /** The first few violations, in words. */
  readonly problems: readonly string[];
}

/** The newest state of each entity that Redis holds an entry of. */
function statesOf(truth: StreamTruth, acknowledged: ReadonlyMap<number, Acknowledged>): StreamRecord["states"] {
  const newest = new Map<string, StreamRecord["states"][number]>();
  for (const { number } of truth.entries) {
    const message = acknowledged.get(number)?.message;
    const state = message?.data && stateOf(message.channel, message.data);
    if (!state) continue;
    const known = newest.get(state.entity);
    if (!known || known.version < state.version) newest.set(state.entity, { ...state, number });
  }
  return [...newest.values()];
}

interface RecordSource extends Pick<Evidence, "outage"> {
  readonly world: World;
  readonly stream: DrillStream;
  readonly truth: StreamTruth;
}

function recordOf({ world, stream, truth, outage }: RecordSource): StreamRecord {
  const acknowledged = world.feed.acknowledgedOf(stream);
  return {
    isLatest: countsNewestOnly(stream),
    from: Math.min(...acknowledged.keys(), ...truth.entries.map(({ number }) => number)),
    mayHaveLost: outage.losesWrites ?? false,
    entries: truth.entries.map((entry) => ({ ...entry, offeredAt: acknowledged.get(entry.number)?.offeredAt ?? 0 })),
    states: statesOf(truth, acknowledged),
  };
}

function countKinds(violations: readonly Violation[]): SecondCounts["violationKinds"] {
  const kinds: Partial<Record<ViolationKind, number>> = {};
  for (const { kind } of violations) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}

const unacknowledged = (text: string): Violation => ({
  ...{ kind: "unacknowledged", client: "the feed", clientKind: "publisher", stream: "all", message: "a message", text },
});

/** The first few of each client and kind. */
function firstOf(violations: readonly Violation[]): readonly Violation[] {
  const counts = new Map<string, number>();
  const isEarly = ({ client, kind }: Violation): boolean => {
    const count = (counts.get(`${client} ${kind}`) ?? 0) + 1;
    counts.set(`${client} ${kind}`, count);
    return count <= MAXIMUM_PROBLEMS_EACH;
  };
  return violations.filter(isEarly).slice(0, MAXIMUM_PROBLEMS);
}

/** Lets the second judge compare what its clients saw with what was published and what Redis holds. */
export async function judgeSecond(world: World, { truths, outage, stuck }: Evidence): Promise<SecondVerdict> {
  const inspected = (await outage.inspect?.()) ?? [];
  const histories = world.second.histories();
  const records = new Map<string, StreamRecord>(
    streams.flatMap((stream) => {
      const truth = truths.get(stream.name);
      return truth ? [[streamNameOf(stream.channel, stream.key), recordOf({ world, stream, truth, outage })]] : [];
    }),
  );
  const violations = [...stuck.map(unacknowledged), ...judge({ histories, records }), ...inspected];
  const events = histories.flatMap((history) => history.events);
  const count = (type: string): number => events.filter((event) => event.type === type).length;
  return {
    counts: {
      histories: histories.filter((history) => history.events.some(({ type }) => type === "applied")).length,
      applied: count("applied"),
      told: count("told"),
      violations: violations.length,
      violationKinds: countKinds(violations),
    },
    concerned: new Set(violations.map(({ client }) => client)),
    problems: firstOf(violations).map((violation) => `second judge: ${describe(violation)}`),
  };
}
