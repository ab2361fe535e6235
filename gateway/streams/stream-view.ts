import type { SubscribeRequest } from "../../contract/messages.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";
import type { Recovery } from "../../kernel/protocol/recovery.ts";
import type { StateView } from "../../kernel/protocol/state-recovery.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import type { Target } from "../fan-out/fan-out-options.ts";
import type { OutgoingOptions } from "../fan-out/outgoing.ts";

/** The messages of one stream as a kind of subscriber gets them, with the place up to which those here have been sent them. */
export interface StreamView {
  readonly stream: Stream;
  /** The id of the last message. */
  readonly lastId: string;
  /** True if Redis answered lately where the stream is. */
  readonly isConfirmed: boolean;
  /** Undefined while the stream can be served; else the reason why not. */
  readonly failure: Error | undefined;
  /** Returns true for an id that this node does not have yet. */
  isAhead(id: string): boolean;
  /** Returns what a subscriber without a last id gets. */
  snapshot(): Recovery;
  /** Returns true where memory says what follows an id; call `loadHistory` where it does not. */
  reaches(id: string): boolean;
  /** Returns what follows an id; undefined where memory does not reach back to it. */
  resume(id: string): Recovery | undefined;
  /** Asks Redis where the stream is, and brings this node level. Rejects if Redis cannot be read. */
  confirm(): Promise<unknown>;
  /** Reads all that Redis holds. Rejects if Redis cannot be read. */
  loadHistory(): Promise<void>;
  /** Returns an entry of `snapshot` or `resume` as it goes out. */
  contentOf(entry: Entry): OutgoingOptions;
}

/** A place that heartbeats name: the room, the id that its members have, and the room of the whole channel. */
export interface Head {
  readonly stream: Stream;
  readonly target: Target;
  readonly lastId: string;
}

/** Names a kind of subscriber: the empty text for whole values with all rows, and for other channels. */
export function viewName({ changes, depth }: StateView): string {
  return `${changes ? "~changes" : ""}${depth === undefined ? "" : `~depth:${depth}`}`;
}

/** Names the fan-out room of a topic's subscribers of one kind. An encoded id has no `~`. */
export const viewRoom = (topic: Topic, view: StateView): string => `${roomName(topic)}${viewName(view)}`;

/** Returns the rooms of a stream's subscribers of one kind. A depth is for named markets only. */
export function viewTarget(stream: Stream, view: StateView): Target {
  const channelRoom = view.depth === undefined ? wholeChannelRoom(stream.channel) : undefined;
  return {
    room: viewRoom(stream, view),
    channelRoom: channelRoom === undefined ? undefined : `${channelRoom}${viewName(view)}`,
  };
}

/** Returns what a `subscribe` asks for of each stream. */
export const viewOf = ({ changes, depth }: SubscribeRequest): StateView => ({
  ...(changes ? { changes } : {}),
  ...(depth === undefined ? {} : { depth }),
});
