import { channelNames } from "../../contract/channels.ts";
import { pubSubChannel } from "../../kernel/streams/redis-keys.ts";

const streamChannelPrefixes = channelNames.map((channel) => pubSubChannel(`{${channel}`).slice(0, -1));

/** Returns true for the Pub/Sub channel of a topic's room, whose messages come from streams. */
export const isStreamChannel = (channel: string): boolean =>
  streamChannelPrefixes.some((prefix) => channel.startsWith(prefix));
