import { Account, type OrderStep, type Outcome } from "./account.ts";
import { price } from "./decimals.ts";
import { EXCHANGES, MARKETS, Market } from "./market.ts";
import { Random } from "./random.ts";

export const USERS = ["alice", "bob"] as const;

/** An event that a domain would put on the bus. */
export interface SimulatedEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
}

/** An order that somebody places by hand: to buy at the market's price. */
export interface OrderRequest {
  /** One of {@link USERS}. */
  readonly user: string;
  readonly marketId: string;
  readonly outcome: Outcome;
  /** Shares, a whole number. */
  readonly size: number;
}

export interface SimulatedOrder {
  readonly id: string;
  /** Events that follow at once: the order is open, or rejected. */
  readonly events: readonly SimulatedEvent[];
  /** Events of the next fill; none once the order is complete. */
  fillNext(time: number): readonly SimulatedEvent[];
}

const HEADLINES = [
  ["Committee signals a vote on Thursday", "neutral"],
  ["Survey comes in above expectations", "positive"],
  ["Regulator asks for more time", "negative"],
  ["Insiders expect a decision within days", "positive"],
  ["Talks break off without a date", "negative"],
] as const;

/** Simulates markets, users and signals without end; the same for the same seed and times. */
export class Simulation {
  readonly #random: Random;
  readonly #markets: readonly Market[];
  readonly #accounts: readonly Account[];
  #signals = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#markets = MARKETS.map(({ id }, index) => new Market(id, this.#random, index % 2 === 1));
    this.#accounts = USERS.map((user) => new Account(user, this.#markets, this.#random));
  }

  /** Returns the next event, or the few that belong together. `time` in ms since 1970. */
  next(time: number): SimulatedEvent[] {
    const dice = this.#random.next();
    const market = this.#random.pick(this.#markets);
    if (dice < 0.5) return [marketData("PriceChanged", market.price(time))];
    if (dice < 0.75) return [marketData("OrderBookChanged", market.orderBook(time))];
    if (dice < 0.92)
      return [marketData("TradeExecuted", market.trade(time)), marketData("PriceChanged", market.price(time))];
    if (dice < 0.97) {
      const account = this.#random.pick(this.#accounts);
      return this.#orderEvents(account, account.step(time), time);
    }
    if (dice < 0.985) return [this.#copyTrade(this.#random.pick(this.#accounts), time)];
    return [this.#signal(market, time)];
  }

  /** Places an order; undefined where there is no such user or market. */
  placeOrder({ user, marketId, outcome, size }: OrderRequest, time: number): SimulatedOrder | undefined {
    const account = this.#accounts.find(({ userId }) => userId === user);
    const market = this.#markets.find(({ id }) => id === marketId);
    if (!account || !market) return undefined;
    const placed = account.placeMarketOrder({ market, outcome, size }, time);
    return {
      id: placed.id,
      events: this.#orderEvents(account, placed.step, time),
      fillNext: (at) => {
        const step = placed.fillNext(at);
        return step ? this.#orderEvents(account, step, at) : [];
      },
    };
  }

  #orderEvents(account: Account, { order, isFill, title, body }: OrderStep, time: number): SimulatedEvent[] {
    const { userId } = account;
    const events = [{ source: "vezta.orders", detailType: "OrderChanged", detail: { ...order, userId } }];
    if (!isFill) return events;
    const id = `note-${userId}-${time}-${this.#random.between(0, 1e9)}`;
    const notification = { userId, id, category: "order", severity: "success", title, body, time };
    return [
      ...events,
      { source: "vezta.notifications", detailType: "NotificationCreated", detail: notification },
      {
        source: "vezta.portfolio",
        detailType: "PortfolioChanged",
        detail: { ...account.portfolio(time), userId },
      },
    ];
  }

  #copyTrade(account: Account, time: number): SimulatedEvent {
    const detail = { ...account.copyTrade(time), userId: account.userId };
    return { source: "vezta.copy-trading", detailType: "CopyTradeExecuted", detail };
  }

  #signal(market: Market, time: number): SimulatedEvent {
    this.#signals += 1;
    const common = { id: `signal-${time}-${this.#signals}`, marketIds: [market.id], time };
    if (this.#random.chance(0.5)) {
      const [headline, sentiment] = this.#random.pick(HEADLINES);
      const detail = { ...common, kind: "news", headline, source: "Example Wire", sentiment };
      return { source: "vezta.signals", detailType: "NewsDetected", detail };
    }
    const size = this.#random.between(5_000, 90_000);
    const detail = {
      ...common,
      kind: "whale",
      account: `0x${this.#random.between(0x1000, 0xffff).toString(16)}`,
      exchange: this.#random.pick(EXCHANGES),
      outcome: "yes",
      side: this.#random.pick(["buy", "sell"]),
      price: price(market.yes),
      size: String(size),
      value: price(size * market.yes),
    };
    return { source: "vezta.signals", detailType: "WhaleDetected", detail };
  }
}

const marketData = (detailType: string, detail: object): SimulatedEvent => ({
  source: "vezta.market-data",
  detailType,
  detail,
});
