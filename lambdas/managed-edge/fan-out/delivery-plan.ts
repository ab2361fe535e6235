import { FIRST_ID } from "../../../contract/ids.ts";
import { isStateChannel } from "../../../contract/state/state-formats.ts";
import type { Stream } from "../../../contract/stream.ts";
import type { EdgeHint } from "../../../kernel/streams/edge-hint.ts";
import type { Entry } from "../../../kernel/streams/entry.ts";
import type { StoredState } from "../../../kernel/streams/stored-state.ts";
import type { StoredCursor } from "../streams/cursor.ts";
import type { FanOutScope } from "../streams/edge-streams.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import type { RoomSubscribers } from "../table/room-subscribers.ts";
import { type Audience, findAudience } from "./audience.ts";
import { encodeEntries, type PendingEntries } from "./encode-entries.ts";
import { type EncodeStatesContext, encodeStates, readStateFirst, type StateFrames } from "./encode-states.ts";
import { type HintedScope, readPending, scopeOf } from "./pending-entries.ts";
import { type SplitContext, splitRoom } from "./split-room.ts";
import { oldestStart, readStarts } from "./starts.ts";

/** Attempts at a plan whose cursor other invocations move. */
const PLAN_ATTEMPTS = 3;

export interface PlanContext extends SplitContext, EncodeStatesContext {
  readonly subscribers: RoomSubscribers;
  /** Subscribers from which on a room is large, and is split. */
  readonly splitOver: number;
  /** Called with the channel for each cursor that was not valid and is replaced. */
  readonly onCursorReplaced: (channel: string) => void;
}

/** The entries of one stream that are to be delivered, and the connections that get them. */
export interface DeliveryPlan extends StateFrames {
  readonly audience: Audience;
  readonly entries: readonly Entry[];
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

interface EncodeOptions {
  readonly audience: Audience;
  readonly pending: PendingEntries;
  readonly state: StoredState | undefined;
}

async function encodeFor(context: PlanContext, stream: Stream, options: EncodeOptions): Promise<StateFrames | "moved"> {
  if (isStateChannel(stream.channel)) return encodeStates(context, stream, options);
  const { audience, pending } = options;
  const newest = pending.entries.at(-1)?.id ?? FIRST_ID;
  const { after } = pending;
  const starts = await readStarts(context, audience.live, { stream, after, newest, choose: oldestStart });
  return { framesFor: encodeEntries(stream, pending, starts), unprovable: [] };
}

/**
 * Resolves with undefined where there is nothing to deliver, with "overtaken" where the plan is to be made again, and with
 * "moved" where it is to be made again with the value read first.
 */
async function tryPlan(
  context: PlanContext,
  scope: HintedScope,
  { readsStateFirst }: { readonly readsStateFirst: boolean },
): Promise<DeliveryPlan | "overtaken" | "moved" | undefined> {
  const { subscribers, streams, reader, splitOver, onCursorReplaced } = context;
  const { stream } = scope;
  const seen = await streams.readCursor(scope);
  const state = readsStateFirst ? await readStateFirst(context, stream) : undefined;
  const pending = await readPending(reader, scope, { seen, upTo: state?.id });
  const newest = pending.entries.at(-1);
  if (!newest) return undefined;
  if (pending.isReset) onCursorReplaced(stream.channel);
  if (await splitRoom(context, scope, { seen, upTo: newest.id })) return undefined;
  const audience = await findAudience(subscribers, scope);
  if (await isOvertaken(context, scope, { seen, audience })) return "overtaken";
  const frames = await encodeFor(context, stream, { audience, pending, state });
  if (frames === "moved") return frames;
  return {
    ...frames,
    audience,
    entries: pending.entries,
    commit: async () => {
      const isLarge = audience.live.size > splitOver;
      const splitAt = isLarge ? { splitAt: await streams.now(stream) } : {};
      await streams.moveCursor(scope, seen, { id: newest.id, ...splitAt, viewIds: frames.viewIds });
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
  let readsStateFirst = false;
  for (let attempt = 1; attempt <= PLAN_ATTEMPTS; attempt += 1) {
    const plan = await tryPlan(context, scope, { readsStateFirst });
    if (plan === "moved") readsStateFirst = true;
    else if (plan !== "overtaken") return plan;
  }
  throw new Error(
    `delivery of a ${scope.stream.channel} stream not planned: others keep moving its cursor or its value`,
  );
}
