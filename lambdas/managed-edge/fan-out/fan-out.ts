import { setTimeout as delay } from "node:timers/promises";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import pLimit from "p-limit";
import { subscriptionEnded, tokenExpired } from "../../../contract/answers.ts";
import { ChannelError } from "../../../contract/errors.ts";
import type { ErrorMessage } from "../../../contract/messages.ts";
import { isTimeout } from "../../../kernel/aws/aws-bounds.ts";
import { type EdgeHint, parseHint } from "../../../kernel/streams/edge-hint.ts";
import { closeConnection } from "../posting/close-connection.ts";
import { encodeFrame, type Poster } from "../posting/poster.ts";
import type { Connections } from "../table/connections.ts";
import type { ConnectionKey, Listener } from "../table/room-subscriber.ts";
import { planRound, type Round, type RoundContext } from "./delivery-plan.ts";

/** What an event source hands over of a FIFO queue at most. */
const MAXIMUM_BATCH = 10;

/** Connections posted to at once: as many as the SDK's agent has sockets. */
const MAXIMUM_POSTS = 50;

/** How often a batch is tried before the connections that hold it up are closed: they come back and resume. */
const PATIENCE = 3;

/** After so long, in ms, no post is begun or waited for: the function has to end inside its timeout. */
export const DELIVERY_BOUND_MS = 10_000;

/** After so long, in ms, an invocation does not rest for the window. */
const REST_BOUND_MS = 5_000;

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
    const began = performance.now();
    const until = AbortSignal.timeout(DELIVERY_BOUND_MS);
    const groups = groupRecords(records, context.onError);
    await Promise.all(groups.map((group) => plan(context, group)));
    await deliver(context, pack(groups), until);
    await Promise.all(groups.map((group) => finish(context, group)));
    // At the end, not at the start: an update that comes alone is not held back.
    const mayRest = records.length < MAXIMUM_BATCH && performance.now() - began < REST_BOUND_MS;
    if (mayRest) await delay(context.windowMs);
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
    await endListeners(context, group.round);
  } catch (error) {
    group.hasFailed = true;
    context.onError(error, "plan");
  }
}

/** Ends those whose token has run out, and those that nobody will let go live. */
async function endListeners(context: FanOutContext, round: Round | undefined): Promise<void> {
  const { expired = [], abandoned = [] } = round?.audience ?? {};
  const lost = new ChannelError("unavailable", "the subscription was not completed; subscribe again");
  await Promise.all([
    ...expired.map((listener) => end(context, listener, tokenExpired(listener.stream.channel))),
    ...abandoned.map((listener) => end(context, listener, subscriptionEnded(listener.stream, lost))),
  ]);
}

/** Tells first: a row that is left is found by the next message, one that is gone without a word by nobody. */
async function end(context: FanOutContext, { connection, stream }: Listener, data: ErrorMessage): Promise<void> {
  const { connections, poster, onError } = context;
  try {
    if (await poster.send(connection.id, [encodeFrame({ event: "error", data })])) {
      await connections.leave(connection, [stream]);
    } else await connections.remove(connection);
  } catch (error) {
    onError(error, "end");
    if (isTimeout(error)) await closeConnection(context, connection);
  }
}

function pack(groups: readonly Group[]): readonly Parcel[] {
  const parcels = new Map<string, Parcel>();
  for (const group of groups) {
    if (group.hasFailed || !group.round) continue;
    for (const [id, [listener]] of group.round.audience.live) {
      const frames = group.round.framesFor(id);
      if (frames.length === 0 || !listener) continue;
      const parcel = parcels.get(id) ?? { connection: listener.connection, frames: [], groups: new Set() };
      for (const frame of frames) parcel.frames.push(frame);
      parcel.groups.add(group);
      parcels.set(id, parcel);
    }
  }
  return [...parcels.values()];
}

/** What became of a parcel; `silent` where nobody knows. */
type Arrival = "arrived" | "failed" | "silent";

async function deliver(context: FanOutContext, parcels: readonly Parcel[], until: AbortSignal): Promise<void> {
  const limit = pLimit(MAXIMUM_POSTS);
  const arrivals = await Promise.all(parcels.map((parcel) => limit(() => post(context, parcel, until))));
  const failed = parcels.flatMap((parcel, index) => {
    const arrival = arrivals[index];
    return arrival === undefined || arrival === "arrived" ? [] : [{ parcel, arrival }];
  });
  // Where most fail at once it is not the connections that are slow, and closing them would make it worse.
  const isGeneral = failed.length >= MANY && failed.length > parcels.length / 2;
  await Promise.all(
    failed.map(async ({ parcel, arrival }) => {
      // One slow connection must not hold up a stream: it comes back, and resumes. Silence is not tried again: each time the stream would wait for the whole bound.
      if (!isGeneral && (arrival === "silent" || isHeldUp(parcel))) await closeConnection(context, parcel.connection);
      else for (const group of parcel.groups) group.hasFailed = true;
    }),
  );
}

/** Arrived also where there is nobody left for it. */
async function post(context: FanOutContext, parcel: Parcel, until: AbortSignal): Promise<Arrival> {
  const { connection, frames } = parcel;
  if (until.aborted) return "failed";
  try {
    if (!(await context.poster.send(connection.id, frames, until))) await context.connections.remove(connection);
    return "arrived";
  } catch (error) {
    context.onError(error, "post");
    return isTimeout(error) && !until.aborted ? "silent" : "failed";
  }
}

const isHeldUp = ({ groups }: Parcel): boolean =>
  [...groups].some(({ records }) => records.some((record) => receivedOf(record) >= PATIENCE));

const receivedOf = ({ attributes }: SQSRecord): number => Number(attributes.ApproximateReceiveCount);

async function finish({ onError }: FanOutContext, group: Group): Promise<void> {
  if (group.hasFailed) return;
  try {
    await group.round?.finish();
  } catch (error) {
    group.hasFailed = true;
    onError(error, "finish");
  }
}
