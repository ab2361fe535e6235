import { createPick } from "../values/chance.ts";
import { TIMED_EVERY } from "./events.ts";
import type { BenchMessage, Carried } from "./message.ts";
import { roomOf } from "./rooms.ts";
import type { Topology } from "./topologies.ts";

/** Events of a second: messages go out in groups, as those of several publishers do that come at about the same time. */
export const TICKS_PER_SECOND = 50;

/** Markets of one page. */
const MARKETS_OF_PAGE = 5;

/** Messages of one event that brings all streams their first values. */
const FIRST_AT_ONCE = 50;

/** How often each stream has a message before traffic is measured: the first book or portfolio goes out whole. */
const FIRST_MESSAGES = 2;

/** Clients and markets of an application. */
export interface MixOptions {
  readonly markets: number;
  /** Clients that look at the list of all markets, with their prices and the news. */
  readonly dashboards: number;
  /** Clients with five markets: book, trades and price of each. */
  readonly pages: number;
  /** Clients with five markets and the news, who are signed in: orders, notifications, portfolio, copy trades. */
  readonly users: number;
}

/** Messages a second of each kind, by what they belong to. Books change often, prices less, and people seldom do something. */
const marketRates = { book: 5, price: 2, trade: 1.2 } as const;
const userRates = { portfolio: 0.5, order: 0.15, notification: 0.05, "copy-trade": 0.03 } as const;
const SIGNALS_PER_SECOND = 1;

type MarketKind = keyof typeof marketRates;
type UserKind = keyof typeof userRates;

const userKinds: readonly UserKind[] = ["portfolio", "order", "notification", "copy-trade"];

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(2, "0")}`);

/** Exchanges quote few markets deeply: a tenth of the books has 200 levels a side, four tenths 100, the others 8. */
function bookOf(market: number, markets: number): Carried {
  if (market < markets * 0.1) return "book-200";
  return market < markets * 0.5 ? "book-100" : "book-8";
}

/** Draws markets, the first ones more often: the n-th has a weight of 1/√n. */
function createDraw(count: number, pick: (count: number) => number): () => number {
  const bounds: number[] = [];
  for (let market = 1; market <= count; market += 1) bounds.push((bounds.at(-1) ?? 0) + 1 / Math.sqrt(market));
  const steps = 2 ** 20;
  const total = bounds.at(-1) ?? 0;
  return () => {
    const place = (pick(steps) / steps) * total;
    return bounds.findIndex((bound) => place < bound);
  };
}

const marketRooms = (market: number, { markets }: MixOptions): string[] => {
  const key = names(markets, "m")[market] ?? "";
  return [roomOf(bookOf(market, markets), key), roomOf("trade", key), roomOf("price", key)];
};

const userRooms = (user: string): string[] => userKinds.map((kind) => roomOf(kind, user));

/** The rooms of all clients: signed-in ones, pages and dashboards by turns as far as there are any. */
function clientsOf(options: MixOptions): string[][] {
  const draw = createDraw(options.markets, createPick());
  const page = (): string[] => {
    const chosen = new Set<number>();
    while (chosen.size < Math.min(MARKETS_OF_PAGE, options.markets)) chosen.add(draw());
    return [...chosen].flatMap((market) => marketRooms(market, options));
  };
  return [
    ...names(options.users, "user-").map((user) => [...userRooms(user), roomOf("signal", ""), ...page()]),
    ...Array.from({ length: options.pages }, page),
    ...Array.from({ length: options.dashboards }, () => [roomOf("price", ""), roomOf("signal", "")]),
  ];
}

/** Who has been drawn, and for what. */
type Drawn = Pick<BenchMessage, "key" | "carries">;

function roomsOf({ carries, key }: Drawn): string[] {
  // Dashboards get the prices of all markets.
  return carries === "price" ? [roomOf("price", key), roomOf("price", "")] : [roomOf(carries, key)];
}

/** Returns how many messages of a rate are due in a tick, for the rate to be kept over time. */
const dueIn = (tick: number, perSecond: number): number =>
  Math.floor(((tick + 1) * perSecond) / TICKS_PER_SECOND) - Math.floor((tick * perSecond) / TICKS_PER_SECOND);

/** The messages of each tick. The same at each call: who gets what when depends on nothing but the options. */
function minuteOf({ markets, users }: MixOptions): (tick: number) => Drawn[] {
  const pick = createPick();
  const draw = createDraw(markets, pick);
  const [marketKeys, userKeys] = [names(markets, "m"), names(users, "user-")];
  const drawMarket = (kind: MarketKind): Drawn => {
    const market = draw();
    return { key: marketKeys[market] ?? "", carries: kind === "book" ? bookOf(market, markets) : kind };
  };
  const drawUser = (kind: UserKind): Drawn => ({ key: userKeys[pick(users)] ?? "", carries: kind });
  const times = (tick: number, perSecond: number, next: () => Drawn): Drawn[] =>
    Array.from({ length: dueIn(tick, perSecond) }, next);
  return (tick) => [
    ...(["book", "price", "trade"] as const).flatMap((kind) =>
      times(tick, marketRates[kind] * markets, () => drawMarket(kind)),
    ),
    ...userKinds.flatMap((kind) => times(tick, userRates[kind] * users, () => drawUser(kind))),
    ...times(tick, SIGNALS_PER_SECOND, () => ({ key: "", carries: "signal" })),
  ];
}

/** Every stream, so many times that changes can follow. */
function firstOf({ markets, users }: MixOptions): Drawn[] {
  const ofMarkets = names(markets, "m").flatMap((key, market) =>
    [bookOf(market, markets), "trade" as const, "price" as const].map((carries) => ({ key, carries })),
  );
  const ofUsers = names(users, "user-").flatMap((key) => userKinds.map((carries) => ({ key, carries })));
  return Array.from({ length: FIRST_MESSAGES }, () => [...ofMarkets, ...ofUsers]).flat();
}

/**
 * Builds the clients and the traffic of an application, over all eight channels: few markets have most of the viewers and of
 * the messages, as it is on exchanges. Its events are `TICKS_PER_SECOND` a second.
 */
export function createMix(options: MixOptions): Topology & Required<Pick<Topology, "events">> {
  const clients = clientsOf(options);
  return {
    clients: clients.length,
    rooms: [...new Set(clients.flat())],
    roomsOf: (client) => clients[client] ?? [],
    carries: [],
    events(isWarmUp) {
      const first = isWarmUp ? firstOf(options) : [];
      const minute = minuteOf(options);
      const openings = Math.ceil(first.length / FIRST_AT_ONCE);
      let count = 0;
      return (number, dueAt) => {
        const opening = first.slice(number * FIRST_AT_ONCE, (number + 1) * FIRST_AT_ONCE);
        return (number < openings ? opening : minute(number - openings)).map((drawn) => {
          count += 1;
          return { ...drawn, rooms: roomsOf(drawn), dueAt, isTimed: count % TIMED_EVERY === 0 };
        });
      };
    },
  };
}
