import { money, price } from "./decimals.ts";
import { EXCHANGES, type Market } from "./market.ts";
import type { Random } from "./random.ts";

const STARTING_CASH_CENTS = 1_000_000;

type Status = "open" | "partially_filled" | "filled" | "cancelled" | "rejected" | "expired";

export type Outcome = "yes" | "no";

interface OpenOrder {
  readonly id: string;
  readonly market: Market;
  readonly exchange: string;
  readonly outcome: Outcome;
  /** Thousandths; absent on an order that takes the market's price. */
  readonly limit?: number;
  readonly size: number;
  filled: number;
  /** Thousandths, for all that is filled. */
  cost: number;
}

interface Position {
  readonly market: Market;
  readonly exchange: string;
  readonly outcome: Outcome;
  size: number;
  /** Thousandths, for all shares together. */
  cost: number;
}

/** A change of an order, with the other events for its user. */
export interface OrderStep {
  readonly order: object;
  readonly isFill: boolean;
  readonly title: string;
  readonly body: string;
}

/** An order to buy at the market's price. */
export interface MarketOrder {
  readonly market: Market;
  readonly outcome: Outcome;
  readonly size: number;
}

/** The outcome of a market order, and its later fills. */
export interface PlacedOrder {
  readonly id: string;
  readonly step: OrderStep;
  /** Executes half of the order, then the rest; nothing where nothing is left to execute. */
  fillNext(time: number): OrderStep | undefined;
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
    const rest = order.size - order.filled;
    return this.#fill(order, this.#random.chance(0.5) ? rest : Math.max(1, Math.floor(rest / 2)), time);
  }

  /** Takes an order to buy: open, or rejected where the cash does not suffice. The simulation leaves it alone. */
  placeMarketOrder({ market, outcome, size }: MarketOrder, time: number): PlacedOrder {
    const order: OpenOrder = { ...this.#newOrder(market, time), outcome, size };
    const isRejected = size * market.priceOf(outcome) > this.#cash * 10;
    return {
      id: order.id,
      step: this.#describe(order, isRejected ? "rejected" : "open", time),
      fillNext: (at) => {
        const rest = isRejected ? 0 : size - order.filled;
        if (rest === 0) return undefined;
        return this.#fill(order, order.filled === 0 ? Math.ceil(rest / 2) : rest, at);
      },
    };
  }

  portfolio(time: number) {
    const positions = [...this.#positions.values()].map(({ market, exchange, outcome, size, cost }) => {
      const current = market.priceOf(outcome);
      const value = size * current;
      return {
        marketId: market.id,
        exchange,
        outcome,
        size: String(size),
        averagePrice: price(cost / size),
        currentPrice: price(current),
        value: money(value / 10),
        profit: money((value - cost) / 10),
      };
    });
    const invested =
      [...this.#positions.values()].reduce(
        (sum, { size, market, outcome }) => sum + size * market.priceOf(outcome),
        0,
      ) / 10;
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

  #newOrder(market: Market, time: number) {
    this.#count += 1;
    const id = `order-${this.userId}-${time}-${this.#count}`;
    return { id, market, exchange: this.#random.pick(EXCHANGES), filled: 0, cost: 0 };
  }

  #place(time: number): OrderStep {
    const market = this.#random.pick(this.#markets);
    const order: OpenOrder = {
      ...this.#newOrder(market, time),
      outcome: "yes",
      limit: market.yes,
      size: this.#random.between(2, 20) * 10,
    };
    if (order.size * market.yes > this.#cash * 10 || this.#random.chance(0.05)) {
      return this.#describe(order, "rejected", time);
    }
    this.#open.push(order);
    return this.#describe(order, "open", time);
  }

  #fill(order: OpenOrder, size: number, time: number): OrderStep {
    const { market, exchange, outcome } = order;
    const paid = order.limit ?? market.priceOf(outcome);
    order.filled += size;
    order.cost += size * paid;
    const key = `${market.id} ${outcome}`;
    const position = this.#positions.get(key) ?? { market, exchange, outcome, size: 0, cost: 0 };
    position.size += size;
    position.cost += size * paid;
    this.#positions.set(key, position);
    this.#cash -= Math.round((size * paid) / 10);
    const isFilled = order.filled === order.size;
    if (isFilled && order.limit !== undefined) this.#open.splice(this.#open.indexOf(order), 1);
    return this.#describe(order, isFilled ? "filled" : "partially_filled", time, { size, paid });
  }

  #end(order: OpenOrder, status: "cancelled" | "expired", time: number): OrderStep {
    this.#open.splice(this.#open.indexOf(order), 1);
    return this.#describe(order, status, time);
  }

  #describe(order: OpenOrder, status: Status, time: number, execution?: { size: number; paid: number }): OrderStep {
    const { id, market, exchange, outcome, limit, size, filled, cost } = order;
    const reason = REASONS[status];
    const fill = execution && {
      id: `${id}-fill-${filled}`,
      price: price(execution.paid),
      size: String(execution.size),
      fee: "0.00",
      time,
    };
    return {
      order: {
        id,
        marketId: market.id,
        exchange,
        outcome,
        side: "buy",
        type: limit === undefined ? "market" : "limit",
        status,
        ...(limit === undefined ? {} : { price: price(limit) }),
        size: String(size),
        filledSize: String(filled),
        ...(filled > 0 ? { averagePrice: price(cost / filled) } : {}),
        ...(fill ? { fill } : {}),
        ...(reason ? { reason } : {}),
        time,
      },
      isFill: fill !== undefined,
      title: `Order ${status.replace("_", " ")}`,
      body: `${filled} of ${size} ${outcome.toUpperCase()} at ${price(filled > 0 ? cost / filled : (limit ?? market.priceOf(outcome)))} on ${market.id}`,
    };
  }
}
