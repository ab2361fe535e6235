import { type Channel, channelDefinition, type Payload } from "../../contract/channels.ts";
import { createPick } from "../values/chance.ts";
import { MovingBook } from "../values/moving-book.ts";
import { MovingPortfolio } from "../values/moving-portfolio.ts";

/** Microseconds of CLOCK_MONOTONIC, which the load client reads as well. */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1_000n);

/** Levels a side of the books that messages carry. */
const bookLevels = { "book-8": 8, "book-100": 100, "book-200": 200 } as const;

type CarriedBook = keyof typeof bookLevels;

/** The channels of this project by the kind of data that messages carry. */
const channelBy = {
  trade: "market:trades",
  price: "market:prices",
  order: "user:orders",
  notification: "user:notifications",
  portfolio: "user:portfolio",
  "copy-trade": "user:copy-trade",
  signal: "monitor:signals",
  "book-8": "market:orderbook",
  "book-100": "market:orderbook",
  "book-200": "market:orderbook",
} as const satisfies Record<string, Channel>;

/** The kind of data in the messages: a trade, an order, a user's portfolio, a market's whole book. */
export type Carried = keyof typeof channelBy;

export const channelOf = (carries: Carried): (typeof channelBy)[Carried] => channelBy[carries];

/** True for what a server may send as a change of the value before, or leave out where a newer value follows. */
export const isState = (carries: Carried): carries is CarriedBook | "portfolio" =>
  channelDefinition(channelOf(carries)).delivery === "state";

/** One message. */
export interface BenchMessage {
  /** The market or the user that it belongs to; empty where it belongs to none. */
  readonly key: string;
  /** Who gets it, for servers that know rooms and no channels: mostly one, which has the key's name. */
  readonly rooms: readonly string[];
  readonly carries: Carried;
  /** When it was due, in microseconds of `nowMicros`; the load client finds it behind the `@`. */
  readonly dueAt: number;
  /** False where the message does not say when it was due; what has an id always does. */
  readonly isTimed: boolean;
}

const STAMP_DIGITS = 16;

const stamp = (dueAt: number): string => `@${String(dueAt).padStart(STAMP_DIGITS, "0")}`;

const pick = createPick();

/** What most of the messages have in common. */
const terms = () => ({
  exchange: pick(2) === 0 ? "kalshi" : "polymarket",
  outcome: pick(2) === 0 ? ("yes" as const) : ("no" as const),
  side: pick(2) === 0 ? ("buy" as const) : ("sell" as const),
});

/** A trade of a prediction market, different from the one before as trades are. */
const tradeOf = ({ key, dueAt }: BenchMessage): Payload<"market:trades"> => ({
  id: stamp(dueAt),
  marketId: key,
  ...terms(),
  price: `0.${30 + pick(40)}`,
  size: `${1 + pick(999)}`,
  time: Date.now(),
});

function priceOf({ key }: BenchMessage): Payload<"market:prices"> {
  const yes = 301 + pick(398);
  const price = (thousandths: number): string => `0.${thousandths}`.replace(/0+$/, "");
  return {
    marketId: key,
    yes: price(yes),
    no: price(1_000 - yes),
    volume24h: `${10_000 + pick(990_000)}`,
    time: Date.now(),
  };
}

/** A new order of a user. */
const orderOf = ({ dueAt }: BenchMessage): Payload<"user:orders"> => ({
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

const notificationOf = ({ dueAt }: BenchMessage): Payload<"user:notifications"> => ({
  id: stamp(dueAt),
  category: "order",
  severity: "success",
  title: "Order filled",
  body: `Your order to buy ${1 + pick(999)} YES at 0.62 of “High temperature in New York above 83.5” is filled.`,
  link: "https://app.example.com/orders/7f3c2a",
  time: Date.now(),
});

const copyTradeOf = ({ dueAt }: BenchMessage): Payload<"user:copy-trade"> => ({
  id: stamp(dueAt),
  leaderId: "leader-17",
  leaderTradeId: `lt-${pick(1_000_000)}`,
  marketId: "m00",
  ...terms(),
  status: "executed",
  price: "0.62",
  size: `${1 + pick(99)}`,
  orderId: `o-${pick(1_000_000)}`,
  time: Date.now(),
});

const signalOf = ({ dueAt }: BenchMessage): Payload<"monitor:signals"> => ({
  id: stamp(dueAt),
  marketIds: ["m00", `m${1 + pick(49)}`],
  time: Date.now(),
  kind: "news",
  headline: "Forecasters raise the expected high for New York on Sunday by two degrees after the morning's model runs",
  source: "wire",
  url: `https://news.example.com/${pick(1_000_000)}`,
  sentiment: "positive",
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
function bookOf({ key }: BenchMessage, carries: CarriedBook): Payload<"market:orderbook"> {
  const book = keptIn(books, `${carries} ${key}`, () => new MovingBook(key, bookLevels[carries]));
  book.move();
  return book.value;
}

/** A user's whole portfolio, some prices different from the one before. */
const portfolioOf = ({ key }: BenchMessage): Payload<"user:portfolio"> =>
  keptIn(portfolios, key, () => new MovingPortfolio(POSITIONS)).move();

/** The data of a message, another one at each call. */
function dataOf(message: BenchMessage): Payload<Channel> {
  switch (message.carries) {
    case "trade":
      return tradeOf(message);
    case "price":
      return priceOf(message);
    case "order":
      return orderOf(message);
    case "notification":
      return notificationOf(message);
    case "portfolio":
      return portfolioOf(message);
    case "copy-trade":
      return copyTradeOf(message);
    case "signal":
      return signalOf(message);
    default:
      return bookOf(message, message.carries);
  }
}

/** The event's name and the data. Where the data has no text of its own for it, the name says when the message was due. */
export function contentOf(message: BenchMessage): { readonly event?: string; readonly data: Payload<Channel> } {
  const data = dataOf(message);
  return "id" in data || !message.isTimed ? { data } : { event: stamp(message.dueAt), data };
}

/** As long as the ids that the gateway's streams give. */
const ENTRY_ID = "1764103663123-0";

/** The body that a client of the gateway gets, for the servers that have no streams: the same bytes for all. */
export function bodyOf(message: BenchMessage): object {
  const channel = channelOf(message.carries);
  const marketId = channelDefinition(channel).key === "marketId" ? { marketId: message.key } : {};
  return { channel, ...marketId, ...contentOf(message), id: ENTRY_ID, prev: ENTRY_ID };
}

/** The start of the text of a Socket.IO packet, up to the body. */
export const MESSAGE_START = '42/ws,["data",';

/** The text of the Socket.IO packet with that body, for the servers without Socket.IO. */
export const textOf = (message: BenchMessage): string => `${MESSAGE_START}${JSON.stringify(bodyOf(message))}]`;
