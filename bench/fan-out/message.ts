import type { Payload } from "../../contract/channels.ts";

/** Microseconds of CLOCK_MONOTONIC, which the load client reads as well. */
export const nowMicros = (): number => Number(process.hrtime.bigint() / 1_000n);

/** One message to one room. */
export interface BenchMessage {
  readonly room: string;
  readonly isPrivate: boolean;
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

/** As long as the ids that the gateway's streams give. */
const ENTRY_ID = "1764103663123-0";

/** The body that a client of the gateway gets, for the servers that have no streams: the same bytes for all. */
export const bodyOf = (message: BenchMessage): object =>
  message.isPrivate
    ? { channel: "user:orders", data: orderOf(message), id: ENTRY_ID, prev: ENTRY_ID }
    : { channel: "market:trades", marketId: message.room, data: tradeOf(message), id: ENTRY_ID, prev: ENTRY_ID };

/** The text of the Socket.IO packet with that body, for the servers without Socket.IO. */
export const textOf = (message: BenchMessage): string => `42/ws,["data",${JSON.stringify(bodyOf(message))}]`;
