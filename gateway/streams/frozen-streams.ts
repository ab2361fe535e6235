import type { Cluster, Redis } from "ioredis";
import type { Gauge } from "prom-client";
import { type Channel, channelDefinition, channelNames } from "../../contract/channels.ts";
import { frozenKey } from "../../kernel/streams/redis-keys.ts";
import { FROZEN_WHILE_MS } from "../../kernel/streams/stale-run.ts";

/** Public channels, whose markets share a slot, so that one command counts them all. */
const watched: readonly Channel[] = channelNames.filter((channel) => {
  const { access, stateOf } = channelDefinition(channel);
  return access === "public" && stateOf !== "nothing";
});

interface FrozenStreamsOptions {
  readonly redis: Redis | Cluster;
  readonly gauge: Gauge<"channel">;
  readonly intervalMs: number;
  readonly onError: (error: unknown, stage: string) => void;
}

/** Counts the channel's markets that are published nothing but stale values, by Redis's clock. */
async function countFrozen(redis: Redis | Cluster, channel: Channel): Promise<number> {
  const key = frozenKey({ channel });
  const script = `
local time = redis.call('TIME')
local since = tonumber(time[1]) * 1000 - ${FROZEN_WHILE_MS}
return redis.call('ZCOUNT', KEYS[1], string.format('%.0f', since), '+inf')
`;
  return Number(await redis.eval(script, 1, key));
}

/** Updates `rt_frozen_streams` at each interval, until `stop`. */
export function watchFrozenStreams({ redis, gauge, intervalMs, onError }: FrozenStreamsOptions): { stop(): void } {
  for (const channel of watched) gauge.set({ channel }, 0);
  const update = async (): Promise<void> => {
    try {
      for (const channel of watched) gauge.set({ channel }, await countFrozen(redis, channel));
    } catch (error) {
      onError(error, "frozen");
    }
  };
  const timer = setInterval(update, intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
