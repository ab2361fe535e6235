import type { Payload } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";

export type Book = Payload<"market:orderbook">;

/** The sizes of levels by their price; bids below 0.5, asks from there on. */
export type Levels = Readonly<Record<string, string>>;

let time = Date.now() - 3_600_000;

/** Returns times and event ids that none before it had. */
export const nextTime = (): number => ++time;

const toSide = (levels: Levels, isBid: boolean) =>
  Object.entries(levels)
    .map(([price, size]) => ({ price, size }))
    .filter(({ price }) => Number(price) < 0.5 === isBid)
    .toSorted((a, b) => (isBid ? Number(b.price) - Number(a.price) : Number(a.price) - Number(b.price)));

/** A book with these levels of YES, and none of NO. */
export const book = (marketId: string, levels: Levels): Book => ({
  marketId,
  yes: { bids: toSide(levels, true), asks: toSide(levels, false) },
  no: { bids: [], asks: [] },
  time: nextTime(),
});

/** `count` levels a side, the best ones first: 0.499, 0.498, ... and 0.501, 0.502, ... */
export function manyLevels(count: number, size = "10"): Levels {
  const prices = Array.from({ length: count }, (_, index) => [`0.${499 - index}`, `0.${501 + index}`]).flat();
  return Object.fromEntries(prices.map((price) => [price.replace(/0+$/, ""), size]));
}

export const bookMessage = (data: Book): ChannelMessage => ({
  channel: "market:orderbook",
  key: data.marketId,
  eventId: `book-${nextTime()}`,
  data,
});
