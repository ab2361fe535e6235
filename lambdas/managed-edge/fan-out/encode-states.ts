import { isStream, type Stream } from "../../../contract/stream.ts";
import type { StateView } from "../../../kernel/protocol/state-recovery.ts";
import { DamagedStateError, type StoredState } from "../../../kernel/streams/stored-state.ts";
import { provenState, type StateContext } from "../streams/held-state.ts";
import type { RoomSubscriber } from "../table/room-subscriber.ts";
import type { Audience } from "./audience.ts";
import type { FramesFor, PendingEntries } from "./encode-entries.ts";
import { newestStart, readStarts, type StartsContext } from "./starts.ts";
import { StateEncoder } from "./state-encoder.ts";

export interface EncodeStatesContext extends StateContext, StartsContext {
  /** Called for each failure, with the step that failed. */
  readonly onError: (error: unknown, stage: string) => void;
}

/** One view at one connection, which gets one message. */
interface Recipient {
  readonly connectionId: string;
  readonly view: StateView;
  readonly subscribers: readonly RoomSubscriber[];
}

/** The frames of a stream of a state channel. */
export interface StateFrames {
  readonly framesFor: FramesFor;
  /** Subscribers that cannot be sent their value: Redis has another one than was published. */
  readonly unprovable: readonly RoomSubscriber[];
  /** By depth, the id of the last message of a view once these are delivered. */
  readonly viewIds?: Readonly<Record<string, string>> | undefined;
}

interface EncodeStatesOptions {
  readonly audience: Audience;
  readonly pending: PendingEntries;
  /** The value, where it was read before the entries. */
  readonly state?: StoredState | undefined;
}

/**
 * Returns the recipients by a name. A connection that has the stream and the whole channel gets its message once, unless
 * only one of the two has a depth; one of them asking for changes shows that the client takes them.
 */
function recipientsOf({ live }: Audience): ReadonlyMap<string, Recipient> {
  const recipients = new Map<string, Recipient>();
  for (const [connectionId, subscribers] of live) {
    for (const subscriber of subscribers) {
      const { depth } = subscriber.view;
      const name = `${connectionId} ${depth ?? ""}`;
      const others = recipients.get(name);
      const changes = Boolean(subscriber.view.changes || others?.view.changes);
      recipients.set(name, {
        connectionId,
        view: { changes, depth },
        subscribers: [...(others?.subscribers ?? []), subscriber],
      });
    }
  }
  return recipients;
}

const subscribersOf = (recipients: ReadonlyMap<string, Recipient>) =>
  new Map([...recipients].map(([name, { subscribers }]) => [name, subscribers]));

/**
 * Resolves with the value of a stream whose entries are read after it; undefined where there is none, or a damaged one,
 * which `encodeStates` finds. A value that is read after the entries may be newer than they are: a subscriber that goes live
 * between the two would miss what is.
 */
export async function readStateFirst({ readState }: StateContext, stream: Stream): Promise<StoredState | undefined> {
  try {
    return await readState(stream);
  } catch (error) {
    if (error instanceof DamagedStateError) return undefined;
    throw error;
  }
}

/** Resolves with undefined where the value is damaged, and with "moved" where it is newer than the entries. */
async function readValue(
  context: EncodeStatesContext,
  stream: Stream,
  { pending, state }: EncodeStatesOptions,
): Promise<StoredState | "moved" | undefined> {
  try {
    const read = provenState(stream, state ?? (await context.readState(stream)), pending.entries);
    return read?.id === pending.entries.at(-1)?.id ? read : "moved";
  } catch (error) {
    if (!(error instanceof DamagedStateError)) throw error;
    context.onError(error, "state");
    return undefined;
  }
}

/**
 * Resolves with the frames of the pending entries, each connection's in its view; with "moved" where the whole value is
 * needed and is newer than the entries, so that it is to be read before them.
 */
export async function encodeStates(
  context: EncodeStatesContext,
  stream: Stream,
  options: EncodeStatesOptions,
): Promise<StateFrames | "moved"> {
  const { audience, pending } = options;
  const newest = pending.entries.at(-1);
  if (!newest) return { framesFor: () => [], unprovable: [] };
  const recipients = recipientsOf(audience);
  const { after } = pending;
  const groups = subscribersOf(recipients);
  const starts = await readStarts(context, groups, { stream, after, newest: newest.id, choose: newestStart });
  const encoder = new StateEncoder({ stream, reader: context.reader, pending }, newest);
  const due = [...recipients].filter(([name]) => encoder.hasNews(starts.get(name)));
  for (const [name, { view }] of due) encoder.addRecipient(view, starts.get(name));
  const needing = due.filter(([name, { view }]) => encoder.needsState(view, starts.get(name)));
  const state = needing.length > 0 ? await readValue(context, stream, options) : undefined;
  if (state === "moved") return state;
  const frames = new Map<string, string[]>();
  const unprovable: RoomSubscriber[] = [];
  for (const [name, { connectionId, view, subscribers }] of due) {
    const text = await encoder.encode(view, starts.get(name), state);
    if (text !== undefined) frames.set(connectionId, [...(frames.get(connectionId) ?? []), text]);
    else if (!state) unprovable.push(...subscribers);
  }
  return {
    framesFor: (connectionId) => frames.get(connectionId) ?? [],
    // Of a whole channel the other streams go on; the next whole value of this one heals it.
    unprovable: unprovable.filter(({ topic }) => isStream(topic)),
    viewIds: encoder.viewIds,
  };
}
