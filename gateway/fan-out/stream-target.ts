import { roomName, type Stream } from "../../contract/stream.ts";
import { isLatest } from "../../kernel/protocol/recovery.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import type { Target } from "./fan-out-options.ts";
import type { OutgoingOptions } from "./outgoing.ts";

/** Targets by stream, so that a room's name is encoded once for a stream and not once for each of its entries. */
const targets = new WeakMap<Stream, Target>();

function createTarget(stream: Stream): Target {
  const target = { room: roomName(stream), channelRoom: wholeChannelRoom(stream.channel) };
  targets.set(stream, target);
  return target;
}

/**
 * Returns the target of a stream's entries: its own room, and the room of the whole channel. Cheap where the caller keeps
 * one object for the stream.
 */
export const targetOf = (stream: Stream): Target => targets.get(stream) ?? createTarget(stream);

/** Returns an entry as it goes out. Of a `latest` stream the newest one is enough. */
export function dataOf(stream: Stream, message: Entry): OutgoingOptions {
  return { event: "data", message, replaces: isLatest(stream) ? targetOf(stream).room : undefined };
}
