import { channelDefinition } from "../../contract/channels.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import type { Entry } from "../../kernel/streams/entry.ts";
import { wholeChannelRoom } from "../../kernel/streams/redis-keys.ts";
import type { Target } from "./fan-out-options.ts";
import type { OutgoingOptions } from "./outgoing.ts";

/** Where entries of a stream go: to its own room, and to the room of the whole channel. */
export const targetOf = (stream: Stream): Target => ({
  room: roomName(stream),
  whole: wholeChannelRoom(stream.channel),
});

/** An entry as it goes out. Of a `latest` stream the newest one is enough. */
export function dataOf(stream: Stream, message: Entry): OutgoingOptions {
  const isLatest = channelDefinition(stream.channel).delivery === "latest";
  return { event: "data", message, replaces: isLatest ? roomName(stream) : undefined };
}
