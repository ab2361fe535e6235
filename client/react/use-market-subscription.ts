import type { Message, SubscriptionStatus } from "../index.ts";
import { useChannel } from "./use-channel.ts";

/** What `useMarketSubscription` gives. */
export interface MarketState {
  readonly price: Message<"market:prices">["data"] | undefined;
  readonly orderBook: Message<"market:orderbook">["data"] | undefined;
  /** The newest trades, the oldest first. */
  readonly trades: readonly Message<"market:trades">["data"][];
  /** The worst of the three subscriptions. */
  readonly status: SubscriptionStatus;
}

const worstFirst: readonly SubscriptionStatus[] = ["error", "stale", "resuming", "subscribing", "live"];

/** Trades kept. */
const KEPT_TRADES = 100;

/** Price, order book and trades of one market, while the component is there. */
export function useMarketSubscription(marketId: string): MarketState {
  const prices = useChannel("market:prices", { marketId, keep: 0 });
  const books = useChannel("market:orderbook", { marketId, keep: 0 });
  const trades = useChannel("market:trades", { marketId, keep: KEPT_TRADES });
  const statuses = [prices.status, books.status, trades.status];
  return {
    price: prices.latest?.data,
    orderBook: books.latest?.data,
    trades: trades.messages.map(({ data }) => data),
    status: worstFirst.find((status) => statuses.includes(status)) ?? "subscribing",
  };
}
