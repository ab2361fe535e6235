import { useMemo } from "react";
import type { Depth } from "../index.ts";
import { emptyMarketState, type MarketState, MarketStore } from "./market-store.ts";
import { useRealtimeClient } from "./use-realtime-client.ts";
import { type Selection, useSelected } from "./use-selected.ts";

export interface UseMarketOptions<T = MarketState> extends Selection<MarketState, T> {
  /** Price levels a side of the order book, the best ones. @default all levels */
  readonly depth?: Depth;
  /** Most prices and most order books per second. @default all */
  readonly maxRate?: number;
}

/**
 * Subscribes to price, order book and trades of one market while the component is mounted. `status` is the worst of the
 * three, so that `live` holds for all of them. Gaps are those of the trades: the other two only have a newest value.
 *
 * @example
 * const { price, orderBook, trades, status } = useMarketSubscription("m1", { depth: 20 });
 * const bids = useMarketSubscription("m1", { selector: ({ orderBook }) => orderBook?.yes.bids });
 */
export function useMarketSubscription<T = MarketState>(marketId: string, options: UseMarketOptions<T> = {}): T {
  const { depth, maxRate } = options;
  const client = useRealtimeClient();
  const store = useMemo(
    () => new MarketStore({ client, marketId, depth, maxRate }),
    [client, marketId, depth, maxRate],
  );
  return useSelected(store, emptyMarketState, options);
}
