import { useMemo, useSyncExternalStore } from "react";
import type { Channel } from "../index.ts";
import { type ChannelState, ChannelStore, emptyState } from "./channel-store.ts";
import { useRealtimeClient } from "./use-realtime-client.ts";

export interface UseChannelOptions {
  /** One market of a channel that is split by market; without it, all of them. */
  readonly marketId?: string;
  /** Messages kept in `messages`, 0 for none. @default 100 */
  readonly keep?: number;
  /** Where to begin: `"0-0"` has all that the service holds delivered first. @default with what comes */
  readonly lastId?: string;
  /** Whether to be subscribed. @default true */
  readonly enabled?: boolean;
}

/**
 * The messages of a channel while the component is there. Components that use the same channel share one subscription,
 * and all of them render at most once per frame.
 *
 * @example
 * const { latest, status } = useChannel("market:prices", { marketId: "m1" });
 */
export function useChannel<C extends Channel>(channel: C, options: UseChannelOptions = {}): ChannelState<C> {
  const { marketId, lastId, keep = 100, enabled = true } = options;
  const current = useRealtimeClient();
  const client = enabled ? current : null;
  const store = useMemo(
    () => new ChannelStore<C>({ client, channel, marketId, lastId, keep }),
    [client, channel, marketId, lastId, keep],
  );
  return useSyncExternalStore(store.subscribe, store.getState, emptyState<C>);
}
