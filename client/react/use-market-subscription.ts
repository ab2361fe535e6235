import { useMemo } from "react";
import type { Message } from "../index.ts";
import type { Freshness } from "./channel-state.ts";
import { useChannel } from "./use-channel.ts";
import { worstOf } from "./worst-of.ts";

/** The result of `useMarketSubscription`. The same object until something in it changes. */
export interface MarketState extends Freshness {
  readonly price: Message<"market:prices">["data"] | undefined;
  readonly orderBook: Message<"market:orderbook">["data"] | undefined;
  /** The newest trades, the oldest first. */
  readonly trades: readonly Message<"market:trades">["data"][];
}

/** Trades kept. */
const KEPT_TRADES = 100;

/**
 * Subscribes to price, order book and trades of one market while the component is mounted. `status` is the worst of the
 * three, so that `live` holds for all of them. Gaps are those of the trades: the other two only have a newest value.
 *
 * @example
 * const { price, orderBook, trades, status } = useMarketSubscription("m1");
 */
export function useMarketSubscription(marketId: string): MarketState {
  const prices = useChannel("market:prices", { marketId, keep: 0 });
  const books = useChannel("market:orderbook", { marketId, keep: 0 });
  const trades = useChannel("market:trades", { marketId, keep: KEPT_TRADES });
  const { messages, gap, gaps, acknowledgeGaps } = trades;
  const tradesData = useMemo(() => messages.map(({ data }) => data), [messages]);
  return useMemo(
    () => ({
      price: prices.latest?.data,
      orderBook: books.latest?.data,
      trades: tradesData,
      ...worstOf([prices, books, trades]),
      ...{ gap, gaps, acknowledgeGaps },
    }),
    [prices, books, trades, tradesData, gap, gaps, acknowledgeGaps],
  );
}
