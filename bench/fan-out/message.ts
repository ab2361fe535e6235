import type { Payload } from "../../contract/channels.ts";

/** Microseconds of CLOCK_MONOTONIC, which the load client reads as well. */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1_000n);

/** What messages carry: a trade, an order of the user whose own the room is, or a market's whole book. */
export type Carried = "trade" | "order" | "book";

/** One message to one room. */
export interface BenchMessage {
  readonly room: string;
  readonly carries: Carried;
  /** When it was due, in microseconds of `nowMicros`; the load client finds it behind the `@`. */
  readonly dueAt: number;
}

const STAMP_DIGITS = 16;

const stamp = (dueAt: number): string => `@${String(dueAt).padStart(STAMP_DIGITS, "0")}`;

/** The next of a row of numbers that look like chance and are the same in every run. */
let chance = 1;
function pick(count: number): number {
  // Numerical Recipes' linear congruential generator; its upper bits are the better ones.
  chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((chance / 2 ** 32) * count);
}

/** A trade of a prediction market, different from the one before as trades are. */
export const tradeOf = ({ room, dueAt }: BenchMessage): Payload<"market:trades"> => ({
  id: stamp(dueAt),
  marketId: room,
  exchange: pick(2) === 0 ? "kalshi" : "polymarket",
  outcome: pick(2) === 0 ? "yes" : "no",
  side: pick(2) === 0 ? "buy" : "sell",
  price: `0.${30 + pick(40)}`,
  size: `${1 + pick(999)}`,
  time: Date.now(),
});

/** A new order of a user. */
export const orderOf = ({ dueAt }: BenchMessage): Payload<"user:orders"> => ({
  id: stamp(dueAt),
  marketId: "m00",
  exchange: "kalshi",
  outcome: "yes",
  side: "buy",
  type: "limit",
  status: "open",
  price: "0.62",
  size: "250",
  filledSize: "0",
  time: Date.now(),
});

const BOOK_LEVELS = 100;

/** The sizes of a book's levels, all four sides in a row: one of them changes from each book to the next. */
const sizes = Array.from({ length: 4 * BOOK_LEVELS }, () => `${1 + pick(99_999)}.${10 + pick(90)}`);

/** A market's whole book, one level different from the one before. */
export function bookOf({ room }: BenchMessage): Payload<"market:orderbook"> {
  sizes[pick(sizes.length)] = `${1 + pick(99_999)}.${10 + pick(90)}`;
  const side = (first: number, priceOf: (level: number) => number) =>
    Array.from({ length: BOOK_LEVELS }, (_, level) => ({
      price: `0.${String(priceOf(level)).padStart(4, "0")}`,
      size: sizes[first * BOOK_LEVELS + level] ?? "1",
    }));
  const bids = (level: number): number => 5_000 - level * 10;
  const asks = (level: number): number => 5_010 + level * 10;
  return {
    marketId: room,
    yes: { bids: side(0, bids), asks: side(1, asks) },
    no: { bids: side(2, bids), asks: side(3, asks) },
    time: Date.now(),
  };
}

/** Where a message has no text of its own for it, its event's name says when it was due. */
export const stampOf = ({ dueAt }: BenchMessage): string => stamp(dueAt);

/** As long as the ids that the gateway's streams give. */
const ENTRY_ID = "1764103663123-0";

/** The body that a client of the gateway gets, for the servers that have no streams: the same bytes for all. */
export function bodyOf(message: BenchMessage): object {
  const ids = { id: ENTRY_ID, prev: ENTRY_ID };
  const { room: marketId, carries } = message;
  if (carries === "order") return { channel: "user:orders", data: orderOf(message), ...ids };
  if (carries === "trade") return { channel: "market:trades", marketId, data: tradeOf(message), ...ids };
  return { channel: "market:orderbook", marketId, event: stampOf(message), data: bookOf(message), ...ids };
}

/** The text of the Socket.IO packet with that body, for the servers without Socket.IO. */
export const textOf = (message: BenchMessage): string => `42/ws,["data",${JSON.stringify(bodyOf(message))}]`;
