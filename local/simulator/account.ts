import { money, price } from "./decimals.ts";
import { EXCHANGES, type Market } from "./market.ts";
import type { Random } from "./random.ts";

const STARTING_CASH_CENTS = 1_000_000;

type Status = "open" | "partially_filled" | "filled" | "cancelled" | "rejected" | "expired";

interface OpenOrder {
  readonly id: string;
  readonly market: Market;
  readonly exchange: string;
  readonly outcome: "yes" | "no";
  readonly limit: number;
  readonly size: number;
  filled: number;
}

interface Position {
  readonly market: Market;
  readonly exchange: string;
  size: number;
  /** Thousandths, for all shares together. */
  cost: number;
}

/** What happened to an order, and what else there is to tell its user. */
export interface OrderStep {
  readonly order: object;
  readonly isFill: boolean;
  readonly title: string;
  readonly body: string;
}

const REASONS: Partial<Record<Status, string>> = {
  cancelled: "Cancelled by you",
  rejected: "Not enough balance",
  expired: "Not filled in time",
};

/** One user: orders from placing to their end, and the positions that the fills add up to. */
export class Account {
  readonly userId: string;
  readonly #random: Random;
  readonly #markets: readonly Market[];
  readonly #open: OpenOrder[] = [];
  readonly #positions = new Map<string, Position>();
  #cash = STARTING_CASH_CENTS;
  #count = 0;

  constructor(userId: string, markets: readonly Market[], random: Random) {
    this.userId = userId;
    this.#markets = markets;
    this.#random = random;
  }

  /** Places an order, or takes one that is open a step further. */
  step(time: number): OrderStep {
    const order = this.#open[0];
    if (!order || (this.#open.length < 4 && this.#random.chance(0.3))) return this.#place(time);
    if (this.#random.chance(0.1)) return this.#end(order, this.#random.pick(["cancelled", "expired"] as const), time);
    return this.#fill(order, time);
  }

  portfolio(time: number) {
    const positions = [...this.#positions.values()].map(({ market, exchange, size, cost }) => {
      const value = size * market.yes;
      return {
        marketId: market.id,
        exchange,
        outcome: "yes" as const,
        size: String(size),
        averagePrice: price(cost / size),
        currentPrice: price(market.yes),
        value: money(value / 10),
        profit: money((value - cost) / 10),
      };
    });
    const invested = [...this.#positions.values()].reduce((sum, { size, market }) => sum + size * market.yes, 0) / 10;
    const paid = [...this.#positions.values()].reduce((sum, { cost }) => sum + cost, 0) / 10;
    return {
      currency: "USDC",
      value: money(this.#cash + invested),
      cash: money(this.#cash),
      profit: money(invested - paid),
      positions,
      time,
    };
  }

  copyTrade(time: number) {
    this.#count += 1;
    const market = this.#random.pick(this.#markets);
    const isExecuted = this.#random.chance(0.8);
    return {
      id: `copy-${this.userId}-${time}-${this.#count}`,
      leaderId: this.#random.pick(["nate", "domah", "theo4"]),
      leaderTradeId: `leader-${time}-${this.#count}`,
      marketId: market.id,
      exchange: this.#random.pick(EXCHANGES),
      outcome: "yes" as const,
      side: "buy" as const,
      status: isExecuted ? ("executed" as const) : ("skipped" as const),
      ...(isExecuted ? { price: price(market.yes) } : { reason: "Price moved more than your limit" }),
      size: String(this.#random.between(5, 50)),
      time,
    };
  }

  #place(time: number): OrderStep {
    this.#count += 1;
    const market = this.#random.pick(this.#markets);
    const order: OpenOrder = {
      id: `order-${this.userId}-${time}-${this.#count}`,
      market,
      exchange: this.#random.pick(EXCHANGES),
      outcome: "yes",
      limit: market.yes,
      size: this.#random.between(2, 20) * 10,
      filled: 0,
    };
    if (order.size * order.limit > this.#cash * 10 || this.#random.chance(0.05)) {
      return this.#describe(order, "rejected", time);
    }
    this.#open.push(order);
    return this.#describe(order, "open", time);
  }

  #fill(order: OpenOrder, time: number): OrderStep {
    const rest = order.size - order.filled;
    const size = this.#random.chance(0.5) ? rest : Math.max(1, Math.floor(rest / 2));
    order.filled += size;
    const { market, exchange } = order;
    const position = this.#positions.get(market.id) ?? { market, exchange, size: 0, cost: 0 };
    position.size += size;
    position.cost += size * order.limit;
    this.#positions.set(market.id, position);
    this.#cash -= Math.round((size * order.limit) / 10);
    const isFilled = order.filled === order.size;
    if (isFilled) this.#open.splice(this.#open.indexOf(order), 1);
    return this.#describe(order, isFilled ? "filled" : "partially_filled", time, size);
  }

  #end(order: OpenOrder, status: "cancelled" | "expired", time: number): OrderStep {
    this.#open.splice(this.#open.indexOf(order), 1);
    return this.#describe(order, status, time);
  }

  #describe(order: OpenOrder, status: Status, time: number, fillSize = 0): OrderStep {
    const { id, market, exchange, outcome, limit, size, filled } = order;
    const reason = REASONS[status];
    const fill = { id: `${id}-fill-${filled}`, price: price(limit), size: String(fillSize), fee: "0.00", time };
    return {
      order: {
        id,
        marketId: market.id,
        exchange,
        outcome,
        side: "buy",
        type: "limit",
        status,
        price: price(limit),
        size: String(size),
        filledSize: String(filled),
        ...(filled > 0 ? { averagePrice: price(limit) } : {}),
        ...(fillSize > 0 ? { fill } : {}),
        ...(reason ? { reason } : {}),
        time,
      },
      isFill: fillSize > 0,
      title: `Order ${status.replace("_", " ")}`,
      body: `${size} YES at ${price(limit)} on ${market.id}`,
    };
  }
}
