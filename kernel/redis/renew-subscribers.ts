import type { Cluster, Redis } from "ioredis";

/** The part of ioredis 6.0.0's cluster client that makes the connections of sharded Pub/Sub. */
interface SubscriberGroup {
  isResetting: boolean;
}

const groupOf = (client: Redis | Cluster): Partial<SubscriberGroup> | undefined =>
  (client as { readonly shardedSubscribers?: Partial<SubscriberGroup> }).shardedSubscribers;

/**
 * Makes the connections of a client's subscriptions anew; ioredis subscribes to all channels again there.
 *
 * A cluster client that is disconnected while it makes one of these connections waits for that one for ever: `stop()` of its
 * ShardedSubscriber takes away the listeners that would end the wait, and each later attempt waits behind it. So the mark of
 * that attempt is taken back. Where another version of ioredis has no such mark, it is a plain reconnection.
 */
export function renewSubscribers(client: Redis | Cluster): void {
  const group = groupOf(client);
  if (group?.isResetting === true) group.isResetting = false;
  client.disconnect(true);
}
