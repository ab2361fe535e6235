import { Account } from "./account.ts";
import { price } from "./decimals.ts";
import { EXCHANGES, MARKET_IDS, Market } from "./market.ts";
import { Random } from "./random.ts";

export const USERS = ["alice", "bob"] as const;

/** An event that a domain would put on the bus. */
export interface SimulatedEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
}

const HEADLINES = [
  ["Committee signals a vote on Thursday", "neutral"],
  ["Survey comes in above expectations", "positive"],
  ["Regulator asks for more time", "negative"],
  ["Insiders expect a decision within days", "positive"],
  ["Talks break off without a date", "negative"],
] as const;

/** Markets, users and signals that go on for ever; the same for the same seed and times. */
export class Simulation {
  readonly #random: Random;
  readonly #markets: readonly Market[];
  readonly #accounts: readonly Account[];
  #signals = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#markets = MARKET_IDS.map((id) => new Market(id, this.#random));
    this.#accounts = USERS.map((user) => new Account(user, this.#markets, this.#random));
  }

  /** What happens next: one event, or the few that belong together. `time` in ms since 1970. */
  next(time: number): SimulatedEvent[] {
    const dice = this.#random.next();
    const market = this.#random.pick(this.#markets);
    if (dice < 0.5) return [marketData("PriceChanged", market.price(time))];
    if (dice < 0.75) return [marketData("OrderBookChanged", market.orderBook(time))];
    if (dice < 0.92)
      return [marketData("TradeExecuted", market.trade(time)), marketData("PriceChanged", market.price(time))];
    if (dice < 0.97) return this.#order(this.#random.pick(this.#accounts), time);
    if (dice < 0.985) return [this.#copyTrade(this.#random.pick(this.#accounts), time)];
    return [this.#signal(market, time)];
  }

  #order(account: Account, time: number): SimulatedEvent[] {
    const { userId } = account;
    const { order, isFill, title, body } = account.step(time);
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
