import type { Payload } from "../../contract/channels.ts";
import type { ChannelMessage, ChannelUpdate } from "../../contract/domain-events.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { Book } from "../../local/simulator/book.ts";
import { MARKETS } from "../../local/simulator/market.ts";
import { Random } from "../../local/simulator/random.ts";
import { MovingBook } from "../values/moving-book.ts";

/** One message of each kind for the market that is shown comes after so many prices. */
const PRICES_BETWEEN = 100;

/** Levels a side of a book that moves. */
const LEVELS = 100;

const decimal = (thousandths: number): string => `0.${String(thousandths).padStart(3, "0")}`;

/** Prices that move at every message: what does not change costs a page nothing. */
const priceOf = (number: number): number => 300 + ((number * 7) % 400);

function book(marketId: string, number: number) {
  const side = (direction: 1 | -1) =>
    Array.from({ length: 8 }, (_, level) => ({
      price: decimal(priceOf(number) + direction * (level + 1) * 2),
      size: String(100 + ((number + level * 37) % 900)),
    }));
  const outcome = { bids: side(-1), asks: side(1) };
  return { marketId, yes: outcome, no: outcome, time: Date.now() };
}

/** Markets that the page lists come first, and of those the one that it shows. */
export function marketIds(count: number): string[] {
  const others = Array.from({ length: Math.max(0, count - MARKETS.length) }, (_, index) => `market-${index}`);
  return [...MARKETS.map(({ id }) => id), ...others].slice(0, count);
}

/** Books of `count` markets in turn, in each of which a few levels change around a price that wanders. */
export function createBookTraffic(count: number): () => ChannelMessage {
  const random = new Random(1);
  const books = marketIds(count).map((marketId) => ({ marketId, book: new Book(LEVELS, random), price: 500 }));
  let number = 0;
  return () => {
    const market = books[number % count];
    if (!market) throw new RangeError("there must be a market");
    number += 1;
    market.price = Math.min(800, Math.max(200, market.price + random.between(-1, 1)));
    market.book.update(market.price);
    const data = { marketId: market.marketId, yes: market.book.yes(), no: market.book.no(), time: Date.now() };
    const eventId = `bench-${number}`;
    return {
      channel: "market:orderbook",
      key: market.marketId,
      ...{ eventId, version: number, versionEpoch: "bench", data },
    };
  };
}

/** Changes of the books of `count` markets in turn, each of one level anywhere in YES and its mirror; the first ones are whole. */
export function createLevelTraffic(count: number): () => ChannelUpdate {
  const books = marketIds(count).map((marketId) => ({ marketId, book: new MovingBook(marketId, LEVELS) }));
  let number = 0;
  return () => {
    const { marketId, book } = books[number % count] as (typeof books)[number];
    const isFirst = number < count;
    number += 1;
    const changes = book.move();
    const content = isFirst ? { data: book.value } : { changes };
    const message = { channel: "market:orderbook", key: marketId, eventId: `bench-${number}` } as const;
    return { ...message, version: number, versionEpoch: "bench", ...content };
  };
}

/**
 * Prepares messages of the books of `count` markets in turn, as `createBookTraffic` does: each book whole at first, then what
 * changes of it. Prepared, because making them takes more of a small machine than all that is measured.
 *
 * @param rounds messages of each market
 * @returns the messages one after the other; throws a RangeError after the last one
 */
export function prepareBookTraffic(count: number, rounds: number): () => ChannelUpdate {
  const next = createBookTraffic(count);
  const values = new Map<string | undefined, Payload<"market:orderbook">>();
  const messages = Array.from({ length: count * rounds }, (): ChannelUpdate => {
    const { data, ...message } = next();
    const value = data as Payload<"market:orderbook">;
    const before = values.get(message.key);
    values.set(message.key, value);
    if (!before) return { ...message, data: value } as ChannelUpdate;
    const rows = Object.entries(orderBookFormat.difference(before, value));
    // Of prices in thousandths, in the form in which keys of rows have them.
    const canonical = rows.map(([key, size]) => [key.replace(/0+$/, ""), size]);
    const changes = { head: orderBookFormat.head(value), rows: Object.fromEntries(canonical) };
    return { ...message, changes } as ChannelUpdate;
  });
  let sent = 0;
  return () => {
    const message = messages[sent];
    if (!message) throw new RangeError("more messages are asked for than were prepared");
    sent += 1;
    return message;
  };
}

/** Messages for the whole page: prices of `count` markets in turn, and books and trades of the one that is shown. */
export function createTraffic(count: number): () => ChannelMessage {
  const shown = MARKETS[0].id;
  const markets = marketIds(count);
  let number = 0;
  return () => {
    number += 1;
    const eventId = `bench-${number}`;
    const time = Date.now();
    const counted = { version: number, versionEpoch: "bench" };
    if (number % PRICES_BETWEEN === 0) {
      return { channel: "market:orderbook", key: shown, eventId, ...counted, data: book(shown, number) };
    }
    if (number % PRICES_BETWEEN === PRICES_BETWEEN / 2) {
      const terms = { outcome: "yes", side: "buy", price: decimal(priceOf(number)), size: "10" } as const;
      return {
        channel: "market:trades",
        key: shown,
        eventId,
        data: { id: eventId, marketId: shown, exchange: "bench", ...terms, time },
      };
    }
    const marketId = markets[number % markets.length] ?? shown;
    const yes = priceOf(number);
    const data = { marketId, yes: decimal(yes), no: decimal(1_000 - yes), time };
    return { channel: "market:prices", key: marketId, eventId, ...counted, data };
  };
}
