import { channelDefinition } from "../../contract/channels.ts";
import { roomName, type Stream, type Topic } from "../../contract/stream.ts";

/** Returns the topics whose subscribers get a stream's messages: the stream and, where it is one of many, its channel. */
export const topicsOf = (stream: Stream): readonly Topic[] =>
  channelDefinition(stream.channel).key === "marketId" ? [stream, { channel: stream.channel }] : [stream];

/** Names the rooms that a stream's messages go to: its own and, where it is one of many, the whole channel's. */
export const roomsOf = (stream: Stream): readonly string[] => topicsOf(stream).map(roomName);
