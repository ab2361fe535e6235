import type { Payload } from "../../contract/channels.ts";
import { createPick } from "../values/chance.ts";
import { MovingBook } from "../values/moving-book.ts";
import { MovingPortfolio } from "../values/moving-portfolio.ts";

/** Microseconds of CLOCK_MONOTONIC, which the load client reads as well. */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1_000n);

/** Levels a side of the books that messages carry. */
const bookLevels = { "book-8": 8, "book-100": 100, "book-200": 200 } as const;

type CarriedBook = keyof typeof bookLevels;

/** The kind of data in the messages: a trade, an order, a user's portfolio, or a market's whole book. */
export type Carried = "trade" | "order" | "portfolio" | CarriedBook;

/** True for what a server may send as a change of the value before, or leave out where a newer value follows. */
export const isState = (carries: Carried): carries is CarriedBook | "portfolio" =>
  carries === "portfolio" || carries in bookLevels;

/** The channels of this project that carry it. */
export const channelOf = (carries: Carried) => {
  if (carries === "trade") return "market:trades";
  if (carries === "order") return "user:orders";
  return carries === "portfolio" ? "user:portfolio" : "market:orderbook";
};

/** One message to one room. */
export interface BenchMessage {
  readonly room: string;
  readonly carries: Carried;
  /** When it was due, in microseconds of `nowMicros`; the load client finds it behind the `@`. */
  readonly dueAt: number;
  /** False where the message does not say when it was due; trades and orders always do. */
  readonly isTimed: boolean;
}

const STAMP_DIGITS = 16;

const stamp = (dueAt: number): string => `@${String(dueAt).padStart(STAMP_DIGITS, "0")}`;

const pick = createPick();

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

const POSITIONS = 100;

const books = new Map<string, MovingBook>();
const portfolios = new Map<string, MovingPortfolio>();

function keptIn<T>(values: Map<string, T>, name: string, create: () => T): T {
  const value = values.get(name) ?? create();
  values.set(name, value);
  return value;
}

/** A market's whole book, one level different from the one before. */
export function bookOf(room: string, carries: CarriedBook): Payload<"market:orderbook"> {
  const book = keptIn(books, `${carries} ${room}`, () => new MovingBook(room, bookLevels[carries]));
  book.move();
  return book.value;
}

/** A user's whole portfolio, some prices different from the one before. */
export const portfolioOf = (room: string): Payload<"user:portfolio"> =>
  keptIn(portfolios, room, () => new MovingPortfolio(POSITIONS)).move();

/** Where a message has no text of its own for it, its event's name says when it was due. */
export const stampOf = ({ dueAt, isTimed }: BenchMessage): { event?: string } =>
  isTimed ? { event: stamp(dueAt) } : {};

/** As long as the ids that the gateway's streams give. */
const ENTRY_ID = "1764103663123-0";

/** The body that a client of the gateway gets, for the servers that have no streams: the same bytes for all. */
export function bodyOf(message: BenchMessage): object {
  const ids = { id: ENTRY_ID, prev: ENTRY_ID };
  const { room, carries } = message;
  const channel = channelOf(carries);
  if (carries === "order") return { channel, data: orderOf(message), ...ids };
  if (carries === "trade") return { channel, marketId: room, data: tradeOf(message), ...ids };
  if (carries === "portfolio") return { channel, ...stampOf(message), data: portfolioOf(room), ...ids };
  return { channel, marketId: room, ...stampOf(message), data: bookOf(room, carries), ...ids };
}

/** The text of the Socket.IO packet with that body, for the servers without Socket.IO. */
export const textOf = (message: BenchMessage): string => `42/ws,["data",${JSON.stringify(bodyOf(message))}]`;
