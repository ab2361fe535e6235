import { channelNames } from "../../contract/channels.ts";
import { pubSubChannel } from "../../kernel/streams/redis-keys.ts";

const streamChannelPrefixes = channelNames.map((channel) => pubSubChannel(`{${channel}`).slice(0, -1));

/** Whether a Pub/Sub channel is that of a room whose messages come from a stream. */
export const isStreamChannel = (channel: string): boolean =>
  streamChannelPrefixes.some((prefix) => channel.startsWith(prefix));
