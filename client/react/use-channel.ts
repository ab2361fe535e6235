import { useMemo, useSyncExternalStore } from "react";
import type { Channel } from "../index.ts";
import { type ChannelState, emptyState } from "./channel-state.ts";
import { ChannelStore } from "./channel-store.ts";
import { useRealtimeClient } from "./use-realtime-client.ts";

export interface UseChannelOptions {
  /** One market of a channel that is split by market; without it, all of them. */
  readonly marketId?: string;
  /** Messages kept in `messages`, 0 for none. @default 100 */
  readonly keep?: number;
  /**
   * Where to begin: what came after this id is delivered first, `"0-0"` is all that the service holds. On a whole channel
   * a map of ids by market, or `"0-0"`. Another value begins anew, so keep it while the component is there.
   *
   * @default with what comes
   */
  readonly lastId?: string | Readonly<Record<string, string>>;
  /** Whether to be subscribed. @default true */
  readonly enabled?: boolean;
}

/** Returns the same object as long as it says the same: a map that is written into the call is a new one each time. */
function useStable<T>(value: T): T {
  const text = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text says all that there is in it
  return useMemo(() => value, [text]);
}

/**
 * The messages of a channel while the component is there. Components that use the same channel share one subscription,
 * and all of them render at most once per frame.
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
