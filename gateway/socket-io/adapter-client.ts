import type { Cluster, Redis } from "ioredis";
import type { DropReason } from "../metrics.ts";
import type { ShardedPubSub } from "../redis/sharded-pub-sub.ts";
import { isAllowedClusterMessage } from "./cluster-message.ts";

type AdapterHandler = (body: Buffer, channel: Buffer) => void;

interface AdapterClientOptions {
  readonly pubSub: ShardedPubSub;
  /** A connection for commands. */
  readonly commands: Redis | Cluster;
  /** Whether a Pub/Sub channel is that of a room whose messages come from a stream, not from the adapter. */
  readonly isStreamChannel: (channel: string) => boolean;
  readonly onDrop: (reason: DropReason) => void;
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
 * What the sharded adapter is given as its Redis client. It has the methods of node-redis that the adapter asks for,
 * and stands between the adapter and Redis where the adapter has no guard of its own:
 * - it does not await what it subscribes to: a refusal would end the process;
 * - it believes what it receives: see `isAllowedClusterMessage`;
 * - it would subscribe to rooms of streams, which `StreamHub` does, confirmed and repaired.
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
