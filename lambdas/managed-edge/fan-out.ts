import { setTimeout as delay } from "node:timers/promises";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import pLimit from "p-limit";
import { tokenExpired } from "../../contract/answers.ts";
import { type EdgeHint, parseHint } from "../../contract/server/edge-hint.ts";
import type { Connections } from "./connections.ts";
import type { ConnectionKey } from "./listeners.ts";
import { encodeFrame, type Poster } from "./poster.ts";
import { planRound, type Round, type RoundContext } from "./round.ts";

/** What an event source hands over of a FIFO queue at most. */
const MAXIMUM_BATCH = 10;

/** Connections posted to at once: as many as the SDK's agent has sockets. */
const MAXIMUM_POSTS = 50;

/** How often a batch is tried before the connections that hold it up are closed: they come back and resume. */
const PATIENCE = 3;

export interface FanOutContext extends RoundContext {
  readonly connections: Connections;
  readonly poster: Poster;
  /** How long an invocation rests after a batch that was not full, in ms. */
  readonly windowMs: number;
  readonly onError: (error: unknown, stage: string) => void;
}

/** Connections that fail together, from which on the cause may be elsewhere. */
const MANY = 10;

type FanOutHandler = (event: SQSEvent) => Promise<SQSBatchResponse>;

/** The records of one message group, in their order. They succeed and fail together, so that order holds. */
interface Group {
  readonly records: SQSRecord[];
  readonly hints: EdgeHint[];
  round?: Round | undefined;
  hasFailed: boolean;
}

/** What one connection gets, of however many streams. */
interface Parcel {
  readonly connection: ConnectionKey;
  readonly frames: string[];
  readonly groups: Set<Group>;
}

/**
 * The handler of the queue's batches: delivers what is new on each stream to whoever listens here. What one connection
 * gets, of all streams, goes into as few messages as it fits into.
 */
export function createFanOut(context: FanOutContext): FanOutHandler {
  return async ({ Records: records }) => {
    const groups = groupRecords(records, context.onError);
    await Promise.all(groups.map((group) => plan(context, group)));
    await deliver(context, pack(groups));
    await Promise.all(groups.map((group) => finish(context, group)));
    // At the end, not at the start: an update that comes alone is not held back.
    if (records.length < MAXIMUM_BATCH) await delay(context.windowMs);
    const failed = groups.filter(({ hasFailed }) => hasFailed).flatMap((group) => group.records);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  };
}

function groupRecords(records: readonly SQSRecord[], onError: FanOutContext["onError"]): Group[] {
  const groups = new Map<string, Group>();
  for (const record of records) {
    const hint = parseHint(record.body);
    // It would come back for ever and hold up its group; the streams it may have meant are found by the next hint.
    if (!hint) {
      onError(new Error(`message ${record.messageId} is not a hint`), "parse");
      continue;
    }
    const name = record.attributes.MessageGroupId ?? record.messageId;
    const group = groups.get(name) ?? { records: [], hints: [], hasFailed: false };
    group.records.push(record);
    group.hints.push(hint);
    groups.set(name, group);
  }
  return [...groups.values()];
}

async function plan(context: FanOutContext, group: Group): Promise<void> {
  try {
    group.round = await planRound(context, group.hints);
    await endExpired(context, group.round);
  } catch (error) {
    group.hasFailed = true;
    context.onError(error, "plan");
  }
}

async function endExpired({ connections, poster }: FanOutContext, round: Round | undefined): Promise<void> {
  const ending = (round?.audience.expired ?? []).map(async ({ connection, stream }) => {
    await connections.leave(connection, [stream]);
    const frames = [encodeFrame({ event: "error", data: tokenExpired(stream.channel) })];
    if (!(await poster.send(connection.id, frames))) await connections.remove(connection);
  });
  await Promise.all(ending);
}

function pack(groups: readonly Group[]): readonly Parcel[] {
  const parcels = new Map<string, Parcel>();
  for (const group of groups) {
    if (group.hasFailed || !group.round) continue;
    for (const [id, listener] of group.round.audience.live) {
      const frames = group.round.framesFor(listener);
      if (frames.length === 0) continue;
      const parcel = parcels.get(id) ?? { connection: listener.connection, frames: [], groups: new Set() };
      parcel.frames.push(...frames);
      parcel.groups.add(group);
      parcels.set(id, parcel);
    }
  }
  return [...parcels.values()];
}

async function deliver(context: FanOutContext, parcels: readonly Parcel[]): Promise<void> {
  const limit = pLimit(MAXIMUM_POSTS);
  const arrived = await Promise.all(parcels.map((parcel) => limit(() => post(context, parcel))));
  const failed = parcels.filter((_, index) => !arrived[index]);
  // Where most fail at once it is not the connections that are slow, and closing them would make it worse.
  const isGeneral = failed.length >= MANY && failed.length > parcels.length / 2;
  await Promise.all(
    failed.map(async (parcel) => {
      if (!isGeneral && isHeldUp(parcel)) await giveUp(context, parcel.connection);
      else for (const group of parcel.groups) group.hasFailed = true;
    }),
  );
}

/** Whether it arrived, or there is nobody left for it. */
async function post(context: FanOutContext, { connection, frames }: Parcel): Promise<boolean> {
  try {
    if (!(await context.poster.send(connection.id, frames))) await context.connections.remove(connection);
    return true;
  } catch (error) {
    context.onError(error, "post");
    return false;
  }
}

const isHeldUp = ({ groups }: Parcel): boolean =>
  [...groups].some(({ records }) => records.some((record) => receivedOf(record) >= PATIENCE));

const receivedOf = ({ attributes }: SQSRecord): number => Number(attributes.ApproximateReceiveCount);

/** One slow connection must not hold up a stream: it is closed, comes back, and resumes from its last id. */
async function giveUp({ connections, poster, onError }: FanOutContext, connection: ConnectionKey): Promise<void> {
  await poster.close(connection.id).catch((error) => onError(error, "close"));
  await connections.remove(connection).catch((error) => onError(error, "remove"));
}

async function finish({ onError }: FanOutContext, group: Group): Promise<void> {
  if (group.hasFailed) return;
  try {
    await group.round?.finish();
  } catch (error) {
    group.hasFailed = true;
    onError(error, "finish");
  }
}
