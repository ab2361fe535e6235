import { compareIds, FIRST_ID, laterId } from "../../../contract/ids.ts";
import type { Stream } from "../../../contract/stream.ts";
import type { EdgeHint } from "../../../kernel/streams/edge-hint.ts";
import type { StreamReader } from "../../../kernel/streams/stream-reader.ts";
import type { StoredCursor } from "../streams/cursor.ts";
import type { FanOutScope } from "../streams/edge-streams.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import type { RoomSubscribers } from "../table/room-subscribers.ts";
import type { StartPositions } from "../table/start-positions.ts";
import { type Audience, findAudience } from "./audience.ts";
import { encodeEntries, type FramesFor, type PendingEntries } from "./encode-entries.ts";
import { type HintedScope, readPending, scopeOf } from "./pending-entries.ts";
import { type SplitContext, splitRoom } from "./split-room.ts";

/** Attempts at a plan whose cursor other invocations move. */
const PLAN_ATTEMPTS = 3;

export interface PlanContext extends SplitContext {
  readonly subscribers: RoomSubscribers;
  readonly startPositions: StartPositions;
  readonly reader: StreamReader;
  /** Subscribers from which on a room is large, and is split. */
  readonly splitOver: number;
  /** Called with the channel for each cursor that was not valid and is replaced. */
  readonly onCursorReplaced: (channel: string) => void;
}

/** The entries of one stream that are to be delivered, and the connections that get them. */
export interface DeliveryPlan {
  readonly audience: Audience;
  /** Returns the frames for one connection of the audience, in their order. */
  framesFor(connectionId: string): readonly string[];
  /** Moves the cursor behind the entries. Call it once every connection has them. */
  commit(): Promise<void>;
}

const isOfWholeChannel = ({ topic, start }: RoomSubscriber): boolean =>
  topic.key === undefined && start.startId === undefined;

/**
 * Resolves with whether the cursor has moved since it was seen. The first subscriber of the whole channel may have moved
 * it: then the new cursor says what that subscriber has.
 */
async function isOvertaken(
  { streams }: PlanContext,
  scope: FanOutScope,
  { seen, audience: { live } }: { readonly seen: StoredCursor; readonly audience: Audience },
): Promise<boolean> {
  if (![...live.values()].flat().some(isOfWholeChannel)) return false;
  return (await streams.readCursor(scope)).text !== seen.text;
}

/** Resolves with the start of each connection, by its id; with the older one of a connection that is in two rooms. */
async function readStarts(
  { startPositions }: PlanContext,
  { live }: Audience,
  { key, after }: { readonly key: string | undefined; readonly after: string | undefined },
): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    [...live].map(async ([id, subscribers]) => {
      const ids = await Promise.all(subscribers.map((subscriber) => startPositions.find(subscriber, key, after)));
      const known = ids.filter((each) => each !== undefined);
      // Without a start of its own a subscriber has what the cursor has, which is older than any of these.
      if (known.length < ids.length) return undefined;
      return [id, known.reduce((a, b) => (compareIds(a, b) < 0 ? a : b))] as const;
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}

/**
 * Drops starts that are ahead of the stream. A subscriber that went live after the entries were read may have more than
 * they hold; one that has more than the stream holds now had it before Redis lost it, and is to get what there is.
 */
async function withoutLost(
  reader: StreamReader,
  stream: Stream,
  { starts, newest }: { readonly starts: ReadonlyMap<string, string>; readonly newest: string },
): Promise<ReadonlyMap<string, string>> {
  const ahead = [...starts].filter(([, id]) => compareIds(id, newest) > 0);
  if (ahead.length === 0) return starts;
  const [top] = await reader.newest(stream, 1);
  const upTo = top ? laterId(top.id, newest) : newest;
  return new Map([...starts].filter(([, id]) => compareIds(id, upTo) <= 0));
}

async function encodeFor(
  context: PlanContext,
  stream: Stream,
  { audience, pending }: { readonly audience: Audience; readonly pending: PendingEntries },
): Promise<FramesFor> {
  const newest = pending.entries.at(-1)?.id ?? FIRST_ID;
  const starts = await readStarts(context, audience, { key: stream.key, after: pending.after });
  return encodeEntries(stream, pending, await withoutLost(context.reader, stream, { starts, newest }));
}

/** Resolves with undefined where there is nothing to deliver, and with "overtaken" where the plan is to be made again. */
async function tryPlan(context: PlanContext, scope: HintedScope): Promise<DeliveryPlan | "overtaken" | undefined> {
  const { subscribers, streams, reader, splitOver, onCursorReplaced } = context;
  const { stream } = scope;
  const seen = await streams.readCursor(scope);
  const pending = await readPending(reader, scope, seen);
  const newest = pending.entries.at(-1);
  if (!newest) return undefined;
  if (pending.isReset) onCursorReplaced(stream.channel);
  if (await splitRoom(context, scope, { seen, upTo: newest.id })) return undefined;
  const audience = await findAudience(subscribers, scope);
  if (await isOvertaken(context, scope, { seen, audience })) return "overtaken";
  return {
    audience,
    framesFor: await encodeFor(context, stream, { audience, pending }),
    commit: async () => {
      const isLarge = audience.live.size > splitOver;
      const splitAt = isLarge ? { splitAt: await streams.now(stream) } : {};
      await streams.moveCursor(scope, seen, { id: newest.id, ...splitAt });
    },
  };
}

/**
 * Plans the delivery of the stream that a message group's hints name. Resolves with undefined where there is nothing to
 * deliver: it is delivered already, or the room is large and its parts are in the queue. Rejects where Redis, the table or
 * the queue does not answer.
 */
export async function planDelivery(
  context: PlanContext,
  hints: readonly EdgeHint[],
): Promise<DeliveryPlan | undefined> {
  const scope = scopeOf(hints);
  if (!scope) return undefined;
  for (let attempt = 1; attempt <= PLAN_ATTEMPTS; attempt += 1) {
    const plan = await tryPlan(context, scope);
    if (plan !== "overtaken") return plan;
  }
  throw new Error(`delivery of a ${scope.stream.channel} stream not planned: other invocations keep moving its cursor`);
}
