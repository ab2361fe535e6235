import { setTimeout as delay } from "node:timers/promises";
import { FIRST_ID, timeOf } from "../contract/ids.ts";
import type { Acknowledged } from "./feed.ts";
import { judge } from "./judge.ts";
import { streams as allStreams } from "./messages.ts";
import type { Fault, Outage } from "./outage.ts";
import type { RoundResult } from "./row.ts";
import { streamNameOf } from "./second-judge/index.js";
import { judgeSecond } from "./second-verdict.ts";
import type { StreamTruth } from "./truth.ts";
import { until } from "./until.ts";
import { untilSettled, type World } from "./world.ts";

/** Messages flow undisturbed before and after the fault for at least so long, in ms. */
const CALM_MS = 600;

/** Longest that a round may publish, in ms. */
const PUBLISH_TIMEOUT_MS = 300_000;

/**
 * Time limit for clients to catch up with Redis once nothing new is published, in ms. Socket.IO takes 35 s to find that
 * a connection is dead.
 */
const LEVEL_TIMEOUT_MS = 240_000;

/** Wait after that for what must not come any more: repeats. */
const ECHO_MS = 150;

/** Time that a message may be in flight when a link is cut, in ms: what is written later is certainly not received. */
const IN_FLIGHT_MS = 50;

/** Lines of the managed edge's log in a report. */
const EDGE_LOG_LINES = 3;

type Truths = ReadonlyMap<string, StreamTruth>;

/** Numbers of injected messages by stream name, and how many holes they are. */
interface Injected {
  readonly numbers: ReadonlyMap<string, number>;
  readonly holes: number;
}

async function inject({ feed, complete }: World, share: number): Promise<Injected> {
  const chosen = complete.filter((_, index) => share > 0 && index % Math.round(1 / share) === 0);
  const results = await Promise.all(
    chosen.map(async ({ name, ...stream }) => ({ name, ...(await feed.inject({ name, ...stream })) })),
  );
  return {
    numbers: new Map(results.map(({ name, number }) => [name, number])),
    holes: results.reduce((sum, { gateways }) => sum + gateways, 0),
  };
}

/** Holes that an outage certainly made: one per stream with a message meanwhile and gateway that could not get it. */
function surelyDeaf({ from, until: end, deaf }: Outage, truths: Truths): number {
  let holes = 0;
  for (const [name, gateways] of deaf) {
    const isMissed = truths.get(name)?.entries.some(({ id }) => timeOf(id) > from + IN_FLIGHT_MS && timeOf(id) < end);
    if (isMissed) holes += gateways;
  }
  return holes;
}

/** Delivery times, in ms, of all messages that could not go the usual way. */
function repairTimes({ audience, complete }: World, outage: Outage, injected: Injected): number[] {
  const names = new Set(complete.map(({ name }) => name));
  return audience.members.flatMap(({ client }) =>
    [...client.journal.applied].flatMap(([name, messages]) => {
      if (!names.has(name)) return [];
      const wasOut = (time: number): boolean => outage.streams.has(name) && time >= outage.from && time <= outage.until;
      return messages
        .filter(({ id, number, isResumed }) => isResumed || injected.numbers.get(name) === number || wasOut(timeOf(id)))
        .map(({ id, at }) => Math.max(0, at - timeOf(id)));
    }),
  );
}

async function untilLevel({ audience, second }: World, truths: Truths): Promise<string[]> {
  const moved = allStreams.filter(({ name }) => (truths.get(name)?.entries.length ?? 0) > 0);
  const tops = new Map(
    moved.map(({ name, channel, key }) => [streamNameOf(channel, key), truths.get(name)?.top ?? FIRST_ID]),
  );
  const isLevel = (): boolean =>
    second.isLevel(tops) &&
    audience.members.every(({ client, streams }) => {
      const positions = client.positions();
      return streams.every(({ name }) => (positions.get(name) ?? FIRST_ID) === truths.get(name)?.top);
    });
  try {
    await until("every client level with Redis", LEVEL_TIMEOUT_MS, isLevel);
    await delay(ECHO_MS);
    return [];
  } catch (error) {
    // The judge says who is behind, and where.
    return [String(error)];
  }
}

/** Acknowledged, and not there any more. */
function countLostByRedis({ complete, feed }: World, truths: Truths): number {
  return complete.reduce((sum, stream) => {
    const held = new Set(truths.get(stream.name)?.entries.map(({ number }) => number));
    const isLost = ([number, { isStale }]: readonly [number, Acknowledged]): boolean => !isStale && !held.has(number);
    return sum + [...feed.acknowledgedOf(stream)].filter(isLost).length;
  }, 0);
}

/** Several events may not have become one entry, nor one event several: Redis itself is judged by this. */
function countTwiceInRedis({ complete }: World, truths: Truths): number {
  return complete.reduce((sum, { name }) => {
    const entries = truths.get(name)?.entries ?? [];
    return sum + entries.length - new Set(entries.map(({ number }) => number)).size;
  }, 0);
}

function reckon(world: World, truths: Truths) {
  const witnesses = world.audience.members.map(({ client, streams }) => ({
    ...{ name: client.name, streams, journal: client.journal, positions: client.positions() },
  }));
  const verdict = judge(witnesses, truths);
  const journals = witnesses.map(({ journal }) => journal);
  const add = (pick: (journal: (typeof journals)[number]) => number): number =>
    journals.reduce((sum, journal) => sum + pick(journal), 0);
  return {
    ...verdict,
    // A value that is not the publisher's is one that nobody would have noticed but for its sum.
    undetected: verdict.undetected + add(({ mismatches }) => mismatches.length),
    duplicates: verdict.duplicates + countTwiceInRedis(world, truths),
    holes: add(({ holes }) => holes),
    repaired: add(({ repaired }) => repaired),
    reported: add(({ reports }) => reports.length),
    refusals: journals.flatMap(({ refusals, mismatches }) => [...refusals, ...mismatches]),
  };
}

/**
 * Lets one fault strike while messages flow, waits until every client is level, and compares what all applications saw
 * with what Redis holds.
 *
 * @param messages approximate number of published messages at which the round ends; 0 ends it with the fault.
 * @param last contents of the streams at the end of the previous round.
 * @throws Error where the drill itself fails, such as a Redis node that does not come back.
 */
export async function runRound(
  world: World,
  fault: Fault,
  { messages, last }: { readonly messages: number; readonly last: Truths },
): Promise<{ readonly result: RoundResult; readonly truths: Truths }> {
  const { fleet } = world;
  const unsettled = await complaintOf(untilSettled(world));
  begin(world, last);
  const before = await fleet.holes();
  const { outage, injected, complaints } = await strike(world, fault, messages);
  const stuck = await stopFeed(world, outage);
  const truths = await world.truth.read();
  const late = await untilLevel(world, truths);
  const after = await fleet.holes();
  const { holes, repaired, refusals, problems, ...verdict } = reckon(world, truths);
  const second = await judgeSecond(world, { truths, outage, stuck });
  const backlog = second.counts.violations > 0 ? describeEdge(world) : [];
  await outage.cleanUp?.();
  await world.second.replace(second.concerned);
  const result = {
    ...verdict,
    ...second.counts,
    published: world.feed.published,
    holesInjected: injected.holes + surelyDeaf(outage, truths),
    holesDetected: after.found - before.found + holes,
    holesRepaired: after.filled - before.filled + repaired,
    lostByRedis: countLostByRedis(world, truths),
    repairMs: outage.hasWrongClock ? [] : repairTimes(world, outage, injected),
    did: outage.did,
    problems: [...unsettled, ...complaints, ...late, ...refusals, ...problems, ...second.problems, ...backlog],
  };
  return { result, truths };
}

/** Forgets the round before. */
function begin({ feed, audience, second, truth }: World, last: Truths): void {
  for (const { client } of audience.members) client.reset();
  second.reset();
  feed.reset();
  truth.begin(last);
}

/** Lets the fault strike while messages flow, until `messages` are published. */
async function strike(world: World, fault: Fault, messages: number) {
  const { feed } = world;
  feed.start();
  await delay(CALM_MS);
  const outage = await fault.strike(world);
  const complaints = await complaintOf(untilSettled(world));
  const injected = await inject(world, fault.injectedShare);
  await Promise.all([delay(CALM_MS), outage.afterwards]);
  await until(`${messages} messages acknowledged`, PUBLISH_TIMEOUT_MS, () => feed.published >= messages);
  return { outage, injected, complaints };
}

/** Describes the state of the managed edge when something was missing. */
const describeEdge = ({ edge }: World): string[] => [
  `managed edge: ${edge.queued()} hints in the queue; its functions logged last:`,
  ...edge.log.slice(-EDGE_LOG_LINES),
];

/** Describes in words what did not come about. The judges say whose fault it is. */
async function complaintOf(waiting: Promise<void>): Promise<string[]> {
  try {
    await waiting;
    return [];
  } catch (error) {
    return [String(error)];
  }
}

/**
 * Stops the feed. If publishers wait indefinitely for what the fault has silenced, ends the fault, so that the drill
 * goes on.
 */
async function stopFeed({ feed }: World, outage: Outage): Promise<string[]> {
  const complaints = await complaintOf(feed.stop());
  if (complaints.length === 0) return [];
  await outage.cleanUp?.();
  await feed.stop();
  return complaints;
}
