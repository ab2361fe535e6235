import type { Depth, Message, RealtimeClient } from "../index.ts";
import { type ChannelState, emptyState, type Freshness } from "./channel-state.ts";
import { ChannelStore } from "./channel-store.ts";
import type { Store } from "./use-selected.ts";
import { worstOf } from "./worst-of.ts";

/** The result of `useMarketSubscription`. The same object until something in it changes. */
export interface MarketState extends Freshness {
  readonly price: Message<"market:prices">["data"] | undefined;
  readonly orderBook: Message<"market:orderbook">["data"] | undefined;
  /** The newest trades, the oldest first. */
  readonly trades: readonly Message<"market:trades">["data"][];
}

export interface MarketStoreOptions {
  readonly client: RealtimeClient | null;
  readonly marketId: string;
  readonly depth: Depth | undefined;
  readonly maxRate: number | undefined;
}

type Parts = readonly [ChannelState<"market:prices">, ChannelState<"market:orderbook">, ChannelState<"market:trades">];

/** Trades kept. */
const KEPT_TRADES = 100;

function combine([prices, books, trades]: Parts, tradesData: MarketState["trades"]): MarketState {
  const { gap, gaps, acknowledgeGaps } = trades;
  return {
    price: prices.latest?.data,
    orderBook: books.latest?.data,
    trades: tradesData,
    ...worstOf([prices, books, trades]),
    ...{ gap, gaps, acknowledgeGaps },
  };
}

const EMPTY = combine([emptyState(), emptyState(), emptyState()], []);

/** Returns the state before anything arrived, which a server renders. Always the same object. */
export const emptyMarketState = (): MarketState => EMPTY;

/** Follows price, order book and trades of one market while it has listeners. */
export class MarketStore implements Store<MarketState> {
  readonly #prices: ChannelStore<"market:prices">;
  readonly #books: ChannelStore<"market:orderbook">;
  readonly #trades: ChannelStore<"market:trades">;
  #parts: Parts | undefined;
  #state = EMPTY;

  constructor({ depth, ...options }: MarketStoreOptions) {
    this.#prices = new ChannelStore({ ...options, channel: "market:prices", keep: 0 });
    this.#books = new ChannelStore({ ...options, depth, channel: "market:orderbook", keep: 0 });
    this.#trades = new ChannelStore({ ...options, maxRate: undefined, channel: "market:trades", keep: KEPT_TRADES });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const stops = [this.#prices, this.#books, this.#trades].map((store) => store.subscribe(listener));
    return () => {
      for (const stop of stops) stop();
    };
  };

  readonly getState = (): MarketState => {
    const before = this.#parts;
    const parts = [this.#prices.getState(), this.#books.getState(), this.#trades.getState()] as const;
    if (before && parts.every((part, index) => part === before[index])) return this.#state;
    const { messages } = parts[2];
    const isSame = messages === before?.[2].messages;
    this.#parts = parts;
    this.#state = combine(parts, isSame ? this.#state.trades : messages.map(({ data }) => data));
    return this.#state;
  };
}
