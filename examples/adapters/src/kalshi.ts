/**
 * Messages of Kalshi's WebSocket. It has bids alone: a bid for NO at 0.44 is an offer of YES at 0.56, so that one book says
 * it all. Its sequence numbers order the states of a market, within one connection.
 */
import type { EventEntry } from "@vezta/realtime-publisher";
import type { Adapter } from "./adapter.ts";

type Side = "yes" | "no";
type Level = readonly [price: string, count: string];

interface Snapshot {
  readonly type: "orderbook_snapshot";
  readonly sid: number;
  readonly seq: number;
  readonly msg: {
    readonly market_ticker: string;
    readonly yes_dollars_fp: readonly Level[] | null;
    readonly no_dollars_fp: readonly Level[] | null;
    readonly ts_ms: number;
  };
}

interface Delta {
  readonly type: "orderbook_delta";
  readonly sid: number;
  readonly seq: number;
  readonly msg: {
    readonly market_ticker: string;
    readonly price_dollars: string;
    readonly delta_fp: string;
    readonly side: Side;
    readonly ts: string;
  };
}

interface Ticker {
  readonly type: "ticker";
  readonly msg: {
    readonly market_ticker: string;
    readonly yes_bid_dollars: string;
    readonly yes_ask_dollars: string;
    readonly ts: number;
  };
}

interface Trade {
  readonly type: "trade";
  readonly msg: {
    readonly trade_id: string;
    readonly market_ticker: string;
    readonly yes_price_dollars: string;
    readonly no_price_dollars: string;
    readonly count_fp: string;
    readonly taker_side: Side;
    readonly ts: number;
  };
}

interface UserOrder {
  readonly type: "user_order";
  readonly msg: {
    readonly order_id: string;
    readonly user_id: string;
    readonly ticker: string;
    readonly status: "resting" | "canceled" | "executed";
    readonly side: Side;
    readonly action: "buy" | "sell";
    readonly price_dollars: string | null;
    readonly initial_count_fp: string;
    readonly fill_count_fp: string;
    readonly last_update_time: string;
  };
}

type Message = Snapshot | Delta | Ticker | Trade | UserOrder | { readonly type: "subscribed" };

/** A price in 10,000ths and a count in 100ths, the exchange's own units: sums of floats would not be exact. */
const toUnits = (decimal: string, perOne: number): number => Math.round(Number(decimal) * perOne);
const fromUnits = (units: number, perOne: number): string => (units / perOne).toFixed(String(perOne).length - 1);

const PRICE = 10_000;
const COUNT = 100;

const complementOf = (price: string): string => fromUnits(PRICE - toUnits(price, PRICE), PRICE);

/** Counts by price, in units. */
type Bids = Map<number, number>;

const toBids = (levels: readonly Level[] | null): Bids =>
  new Map((levels ?? []).map(([price, count]) => [toUnits(price, PRICE), toUnits(count, COUNT)]));

class KalshiAdapter implements Adapter {
  readonly #books = new Map<string, Readonly<Record<Side, Bids>>>();
  /** A name for this connection: the exchange counts anew with each. */
  readonly #session: string;

  constructor(session: string) {
    this.#session = session;
  }

  read(line: string): readonly EventEntry[] {
    const message: Message = JSON.parse(line);
    switch (message.type) {
      case "orderbook_snapshot":
        return [this.#replaceBook(message)];
      case "orderbook_delta":
        return this.#changeBook(message);
      case "ticker":
        return [toPrice(message)];
      case "trade":
        return [toTrade(message)];
      case "user_order":
        return [toOrder(message)];
      default:
        return [];
    }
  }

  #replaceBook({ sid, seq, msg }: Snapshot): EventEntry {
    this.#books.set(msg.market_ticker, { yes: toBids(msg.yes_dollars_fp), no: toBids(msg.no_dollars_fp) });
    return this.#book(msg.market_ticker, msg.ts_ms, { sid, seq });
  }

  #changeBook({ sid, seq, msg }: Delta): readonly EventEntry[] {
    const bids = this.#books.get(msg.market_ticker)?.[msg.side];
    if (!bids) return [];
    const price = toUnits(msg.price_dollars, PRICE);
    const count = (bids.get(price) ?? 0) + toUnits(msg.delta_fp, COUNT);
    if (count > 0) bids.set(price, count);
    else bids.delete(price);
    return [this.#book(msg.market_ticker, msg.ts, { sid, seq })];
  }

  #book(
    marketId: string,
    time: string | number,
    { sid, seq }: { readonly sid: number; readonly seq: number },
  ): EventEntry {
    const { yes, no } = this.#books.get(marketId) ?? { yes: new Map<number, number>(), no: new Map<number, number>() };
    const bids = [...yes].map(([price, count]) => [fromUnits(price, PRICE), fromUnits(count, COUNT)] as const);
    const asks = [...no].map(([price, count]) => [fromUnits(PRICE - price, PRICE), fromUnits(count, COUNT)] as const);
    return {
      Source: "vezta.market-data",
      DetailType: "OrderBookChanged",
      Detail: {
        ...{ marketId, yes: { bids, asks }, mirrored: true, time },
        ...{ version: seq, versionEpoch: `${this.#session}/${sid}` },
      },
    };
  }
}

const toPrice = ({ msg }: Ticker): EventEntry => ({
  Source: "vezta.market-data",
  DetailType: "PriceChanged",
  Detail: {
    ...{ marketId: msg.market_ticker, yes: msg.yes_ask_dollars, no: complementOf(msg.yes_bid_dollars) },
    // Seconds on this channel.
    time: msg.ts * 1_000,
  },
});

const toTrade = ({ msg }: Trade): EventEntry => ({
  Source: "vezta.market-data",
  DetailType: "TradeExecuted",
  Detail: {
    ...{ id: msg.trade_id, marketId: msg.market_ticker, exchange: "kalshi", outcome: msg.taker_side, side: "buy" },
    price: msg.taker_side === "yes" ? msg.yes_price_dollars : msg.no_price_dollars,
    ...{ size: msg.count_fp, time: msg.ts * 1_000 },
  },
});

function statusOf({ status, fill_count_fp }: UserOrder["msg"]) {
  if (status === "canceled") return "canceled";
  if (status === "executed") return "filled";
  return Number(fill_count_fp) > 0 ? "partially_filled" : "open";
}

const toOrder = ({ msg }: UserOrder): EventEntry => ({
  Source: "vezta.orders",
  DetailType: "OrderChanged",
  Detail: {
    ...{ userId: msg.user_id, eventId: `${msg.order_id}/${msg.last_update_time}`, id: msg.order_id },
    ...{ marketId: msg.ticker, exchange: "kalshi", outcome: msg.side, side: msg.action },
    ...{ type: msg.price_dollars === null ? "market" : "limit", status: statusOf(msg), price: msg.price_dollars },
    ...{ size: msg.initial_count_fp, filledSize: msg.fill_count_fp, time: msg.last_update_time },
  },
});

export const createKalshiAdapter = (): Adapter => new KalshiAdapter(new Date().toISOString());
