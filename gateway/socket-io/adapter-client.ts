import type { Cluster, Redis } from "ioredis";
import type { DropReason } from "../metrics.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import { isAllowedClusterMessage } from "./cluster-message.ts";

type AdapterHandler = (body: Buffer, channel: Buffer) => void;

interface AdapterClientOptions {
  readonly pubSub: ShardedPubSub;
  /** A connection for commands. */
  readonly commands: Redis | Cluster;
  /** Returns true for the Pub/Sub channel of a room whose messages come from a stream, not from the adapter. */
  readonly isStreamChannel: (channel: string) => boolean;
  /** Called for each message that the adapter must not see. */
  readonly onDrop: (reason: DropReason) => void;
  /** Called with each error of Redis; the adapter sees none. */
  readonly onError: (error: Error) => void;
}

/** The part of a node-redis client that `createShardedAdapter` uses. */
export interface AdapterClient {
  sSubscribe(channel: string, handler: AdapterHandler): Promise<void>;
  sUnsubscribe(channel: string | readonly string[]): Promise<void>;
  sPublish(channel: string, body: string | Buffer): Promise<number>;
  sendCommand(command: readonly string[]): Promise<unknown>;
}

/**
 * Returns the Redis client of the sharded adapter. It has the methods of node-redis that the adapter calls, and guards
 * the adapter where that has no guard of its own:
 * - it does not await its subscriptions: a refusal would end the process;
 * - it trusts what it receives: see `isAllowedClusterMessage`;
 * - it would subscribe to rooms of streams, which `StreamHub` does with confirmation and repair.
 */
export function createAdapterClient(options: AdapterClientOptions): AdapterClient {
  const { pubSub, commands, isStreamChannel, onDrop, onError } = options;
  const guard =
    (handler: AdapterHandler): AdapterHandler =>
    (body, channel) =>
      isAllowedClusterMessage(body) ? handler(body, channel) : onDrop("not_allowed");
  return {
    async sSubscribe(channel, handler) {
      if (isStreamChannel(channel)) return;
      await pubSub.subscribe(channel, guard(handler)).catch(onError);
    },
    async sUnsubscribe(channels) {
      for (const channel of [channels].flat()) {
        if (!isStreamChannel(channel)) pubSub.unsubscribe(channel);
      }
    },
    async sPublish(channel, body) {
      try {
        return Number(await commands.spublish(channel, body));
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
        return 0;
      }
    },
    sendCommand: ([name = "", ...values]) => commands.call(name, ...values),
  };
}
