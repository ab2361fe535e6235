import { useMemo } from "react";
import type { Channel, Depth } from "../index.ts";
import { type ChannelState, emptyState } from "./channel-state.ts";
import { ChannelStore } from "./channel-store.ts";
import { useRealtimeClient } from "./use-realtime-client.ts";
import { type Selection, useSelected } from "./use-selected.ts";

export interface UseChannelOptions<C extends Channel = Channel, T = ChannelState<C>>
  extends Selection<ChannelState<C>, T> {
  /** One market of a channel that is split by market. @default all markets */
  readonly marketId?: string;
  /** Messages kept in `messages`, 0 for none. @default 100 */
  readonly keep?: number;
  /**
   * The position to start after: messages after this id are delivered first, `"0-0"` delivers all that the service holds.
   * On a whole channel a map of ids by market, or `"0-0"`. Another value subscribes anew, so keep it while the component is
   * mounted.
   *
   * @default the last value on `latest` and `state` channels, new messages on the others
   */
  readonly lastId?: string | Readonly<Record<string, string>>;
  /** Most messages per second and market, only on `latest` and `state` channels. @default all */
  readonly maxRate?: number;
  /** On `market:orderbook`, for one market: the number of price levels a side, the best ones. @default all levels */
  readonly depth?: Depth;
  /** True to be subscribed. @default true */
  readonly enabled?: boolean;
}

/** Returns the same object as long as its content is the same: a map written into the call is a new one each time. */
function useStable<T>(value: T): T {
  const text = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text has all of its content
  return useMemo(() => value, [text]);
}

/**
 * Subscribes to a channel while the component is mounted, and returns its state. Components that use the same channel
 * share one subscription, and all of them render at most once per frame: with a `selector` only where what it returns
 * changed.
 *
 * @example
 * const { latest, status } = useChannel("market:prices", { marketId: "m1" });
 * const bids = useChannel("market:orderbook", { marketId: "m1", selector: ({ latest }) => latest?.data.yes.bids });
 */
export function useChannel<C extends Channel, T = ChannelState<C>>(
  channel: C,
  options: UseChannelOptions<C, T> = {},
): T {
  const { marketId, maxRate, depth, keep = 100, enabled = true } = options;
  const lastId = useStable(options.lastId);
  const current = useRealtimeClient();
  const client = enabled ? current : null;
  const store = useMemo(
    () => new ChannelStore<C>({ client, channel, marketId, lastId, maxRate, depth, keep }),
    [client, channel, marketId, lastId, maxRate, depth, keep],
  );
  return useSelected(store, emptyState<C>, options);
}
