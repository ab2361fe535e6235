/**
 * Messages of Polymarket's order book: the market channel and the user channel of its WebSocket. A market has two tokens,
 * one for each outcome, and each token a book of its own, which is the mirror of the other one.
 */
import type { EventEntry } from "@vezta/realtime-publisher";
import type { Adapter } from "./adapter.ts";

interface Level {
  readonly price: string;
  readonly size: string;
}

interface NewMarket {
  readonly event_type: "new_market";
  readonly market: string;
  readonly assets_ids: readonly string[];
  readonly outcomes: readonly string[];
}

interface BookMessage {
  readonly event_type: "book";
  readonly asset_id: string;
  readonly market: string;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly timestamp: string;
}

interface PriceChange {
  readonly event_type: "price_change";
  readonly market: string;
  readonly price_changes: readonly (Level & {
    readonly asset_id: string;
    readonly side: "BUY" | "SELL";
    readonly best_ask: string;
  })[];
  readonly timestamp: string;
}

interface LastTradePrice extends Level {
  readonly event_type: "last_trade_price";
  readonly asset_id: string;
  readonly market: string;
  readonly side: "BUY" | "SELL";
  readonly timestamp: string;
  readonly transaction_hash: string;
}

interface UserOrder {
  readonly event_type: "order";
  readonly id: string;
  readonly asset_id: string;
  readonly market: string;
  readonly owner: string;
  readonly original_size: string;
  readonly size_matched: string;
  readonly price: string;
  readonly side: "BUY" | "SELL";
  /** In seconds on this channel. */
  readonly timestamp: string;
  readonly type: "PLACEMENT" | "UPDATE" | "CANCELLATION";
}

type Message =
  | NewMarket
  | BookMessage
  | PriceChange
  | LastTradePrice
  | UserOrder
  | { readonly event_type: "tick_size_change" };

interface Outcome {
  readonly side: "yes" | "no";
  readonly label: string;
}

/** The sizes by price of one token's book. */
interface Book {
  readonly bids: Map<string, string>;
  readonly asks: Map<string, string>;
}

const toSizes = (levels: readonly Level[]) => new Map(levels.map(({ price, size }) => [price, size]));

class PolymarketAdapter implements Adapter {
  readonly #outcomes = new Map<string, Outcome>();
  /** Of the first token of each market. */
  readonly #books = new Map<string, Book>();

  read(line: string): readonly EventEntry[] {
    const message: Message = JSON.parse(line);
    switch (message.event_type) {
      case "new_market":
        return this.#learn(message);
      case "book":
        return this.#replaceBook(message);
      case "price_change":
        return [...this.#changeBook(message), ...this.#price(message)];
      case "last_trade_price":
        return [this.#trade(message)];
      case "order":
        return [this.#order(message)];
      default:
        return [];
    }
  }

  #learn({ assets_ids, outcomes }: NewMarket): readonly EventEntry[] {
    for (const [index, asset] of assets_ids.entries()) {
      this.#outcomes.set(asset, { side: index === 0 ? "yes" : "no", label: outcomes[index] ?? "" });
    }
    return [];
  }

  #outcomeOf(asset: string): Outcome {
    const outcome = this.#outcomes.get(asset);
    if (!outcome) throw new Error(`the token ${asset} belongs to no known market: read its new_market first`);
    return outcome;
  }

  #replaceBook({ asset_id, market, bids, asks, timestamp }: BookMessage): readonly EventEntry[] {
    if (this.#outcomeOf(asset_id).side === "no") return [];
    this.#books.set(market, { bids: toSizes(bids), asks: toSizes(asks) });
    return [this.#book(market, timestamp)];
  }

  #changeBook({ market, price_changes, timestamp }: PriceChange): readonly EventEntry[] {
    const book = this.#books.get(market);
    if (!book) return [];
    for (const { asset_id, side, price, size } of price_changes) {
      if (this.#outcomeOf(asset_id).side === "no") continue;
      const sizes = side === "BUY" ? book.bids : book.asks;
      if (Number(size) === 0) sizes.delete(price);
      else sizes.set(price, size);
    }
    return [this.#book(market, timestamp)];
  }

  #book(marketId: string, time: string): EventEntry {
    const { bids, asks } = this.#books.get(marketId) ?? { bids: new Map(), asks: new Map() };
    const yes = { bids: [...bids], asks: [...asks] };
    return {
      Source: "vezta.market-data",
      DetailType: "OrderBookChanged",
      Detail: { marketId, yes, mirrored: true, time },
    };
  }

  /** What a share of each outcome costs: the best ask of its token. */
  #price({ market, price_changes, timestamp }: PriceChange): readonly EventEntry[] {
    const asks = new Map(price_changes.map(({ asset_id, best_ask }) => [this.#outcomeOf(asset_id).side, best_ask]));
    const [yes, no] = [asks.get("yes"), asks.get("no")];
    if (yes === undefined || no === undefined) return [];
    const Detail = { marketId: market, yes, no, time: timestamp };
    return [{ Source: "vezta.market-data", DetailType: "PriceChanged", Detail }];
  }

  #trade(message: LastTradePrice): EventEntry {
    const { asset_id, market, side, price, size, timestamp, transaction_hash } = message;
    const outcome = this.#outcomeOf(asset_id);
    return {
      Source: "vezta.market-data",
      DetailType: "TradeExecuted",
      Detail: {
        ...{ id: transaction_hash, marketId: market, exchange: "polymarket" },
        ...{ outcome: outcome.side, outcomeLabel: outcome.label, side, price, size, time: timestamp },
      },
    };
  }

  #order(message: UserOrder): EventEntry {
    const { id, asset_id, market, owner, original_size, size_matched, price, side, timestamp, type } = message;
    const outcome = this.#outcomeOf(asset_id);
    return {
      Source: "vezta.orders",
      DetailType: "OrderChanged",
      Detail: {
        ...{ userId: owner, eventId: `${id}/${type}/${size_matched}`, id, marketId: market, exchange: "polymarket" },
        ...{ outcome: outcome.side, outcomeLabel: outcome.label, side, type: "limit", status: statusOf(message) },
        ...{ price, size: original_size, filledSize: size_matched, time: `${timestamp}000` },
      },
    };
  }
}

function statusOf({ type, size_matched, original_size }: UserOrder) {
  if (type === "CANCELLATION") return "cancelled";
  if (Number(size_matched) === 0) return "open";
  return Number(size_matched) >= Number(original_size) ? "filled" : "partially_filled";
}

export const createPolymarketAdapter = (): Adapter => new PolymarketAdapter();
