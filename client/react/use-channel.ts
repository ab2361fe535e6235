import { useMemo, useSyncExternalStore } from "react";
import type { Channel } from "../index.ts";
import { type ChannelState, emptyState } from "./channel-state.ts";
import { ChannelStore } from "./channel-store.ts";
import { useRealtimeClient } from "./use-realtime-client.ts";

export interface UseChannelOptions {
  /** One market of a channel that is split by market. @default all markets */
  readonly marketId?: string;
  /** Messages kept in `messages`, 0 for none. @default 100 */
  readonly keep?: number;
  /**
   * The position to start after: messages after this id are delivered first, `"0-0"` delivers all that the service holds.
   * On a whole channel a map of ids by market, or `"0-0"`. Another value subscribes anew, so keep it while the component is
   * mounted.
   *
   * @default the last value on `latest` channels, new messages on the others
   */
  readonly lastId?: string | Readonly<Record<string, string>>;
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
 * share one subscription, and all of them render at most once per frame.
 *
 * @example
 * const { latest, status } = useChannel("market:prices", { marketId: "m1" });
 */
export function useChannel<C extends Channel>(channel: C, options: UseChannelOptions = {}): ChannelState<C> {
  const { marketId, keep = 100, enabled = true } = options;
  const lastId = useStable(options.lastId);
  const current = useRealtimeClient();
  const client = enabled ? current : null;
  const store = useMemo(
    () => new ChannelStore<C>({ client, channel, marketId, lastId, keep }),
    [client, channel, marketId, lastId, keep],
  );
  return useSyncExternalStore(store.subscribe, store.getState, emptyState<C>);
}
