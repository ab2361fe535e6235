import { randomUUID } from "node:crypto";
import { type Channel, channelDefinition, type Payload } from "../contract/channels.ts";
import type { ChannelMessage } from "../contract/domain-events.ts";
import type { Publisher, PublishOutcome } from "../kernel/streams/publisher.ts";
import type { Metrics } from "./metrics.ts";

/** The stream of a message: a market on a channel split by market, a user on a private one. */
export interface BroadcastTarget {
  /** @default `data.marketId` */
  readonly marketId?: string;
  /** Required on private channels. */
  readonly userId?: string;
}

/**
 * Publishes to a channel as the Lambdas do: through Redis, to the clients of every gateway. `event` is a name for the
 * change, which clients receive beside the data.
 *
 * @throws PublishError if the data does not match the channel's schema, or Redis cannot be reached.
 */
export type BroadcastToChannel = <C extends Channel>(
  channel: C,
  event: string,
  data: Payload<C>,
  target?: BroadcastTarget,
) => Promise<PublishOutcome>;

function keyOf<C extends Channel>(channel: C, data: Payload<C>, target: BroadcastTarget): string | undefined {
  const { key } = channelDefinition(channel);
  if (key === "user") return target.userId;
  if (key === "none") return undefined;
  return target.marketId ?? ("marketId" in data ? data.marketId : undefined);
}

/** Creates `broadcastToChannel` on a publisher. */
export const createBroadcast =
  (publisher: Publisher, metrics: Metrics): BroadcastToChannel =>
  async (channel, event, data, target = {}) => {
    const message = { channel, key: keyOf(channel, data, target), data, event, eventId: randomUUID() };
    // Checked against the channel's schema by the publisher, whatever the caller's types said.
    const [outcome] = await publisher.publish([message as ChannelMessage]);
    if (!outcome) throw new Error("publisher returned no outcome");
    if (outcome.status === "stale") metrics.publishStale.inc({ channel });
    return outcome;
  };
