import { type Channel, channelDefinition, isConflated } from "../../contract/channels.ts";
import { stateFormat } from "../../contract/state/state-formats.ts";
import type { RecordedMessage } from "../recording/recording.ts";

/** The messages of one channel, as they are published. */
export interface ChannelTraffic {
  readonly channel: Channel;
  /** Messages a second: of all markets of a public channel, of one user of a private one. */
  readonly messagesPerSecond: number;
  /** Streams: markets, or one. */
  readonly streams: number;
  /** Bytes of the data that a client gets for a message: on a state channel what changed. */
  readonly bytes: number;
}

const keyOf = ({ data }: RecordedMessage): string => String(data.marketId ?? "");

/** Returns what a client gets for a message: on a state channel what differs from the value before it. */
function bytesOf(message: RecordedMessage, before: RecordedMessage | undefined): number {
  const format = stateFormat(message.channel);
  if (!format || !before) return Buffer.byteLength(JSON.stringify(message.data));
  const rows = format.difference(before.data, message.data);
  return Buffer.byteLength(JSON.stringify({ head: format.head(message.data), rows }));
}

/** Measures the traffic of a recording, by channel. */
export function measureTraffic(messages: readonly RecordedMessage[]): readonly ChannelTraffic[] {
  const seconds = Math.max(1, (messages.at(-1)?.at ?? 0) / 1_000);
  const channels = new Map<Channel, { count: number; bytes: number; last: Map<string, RecordedMessage> }>();
  for (const message of messages) {
    const channel = channels.get(message.channel) ?? { count: 0, bytes: 0, last: new Map() };
    channels.set(message.channel, channel);
    const key = keyOf(message);
    const before = channel.last.get(key);
    channel.last.set(key, message);
    // The first value of a stream is what a new subscriber gets, not traffic.
    if (!before && isConflated(message.channel)) continue;
    channel.count += 1;
    channel.bytes += bytesOf(message, before);
  }
  return [...channels].map(([channel, { count, bytes, last }]) => ({
    ...{ channel, messagesPerSecond: count / seconds, bytes: count === 0 ? 0 : bytes / count },
    streams: channelDefinition(channel).key === "marketId" ? last.size : 1,
  }));
}
