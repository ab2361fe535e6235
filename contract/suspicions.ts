import type { Channel, Payload } from "./channels.ts";
import { comparePrices, complementOf } from "./payloads/decimals.ts";

/**
 * Values that are possible but rarely meant. They are delivered and counted:
 * - `crossed_book`: a bid is higher than an ask of the same outcome.
 * - `dropped_levels`: a whole book had a price twice or a level of size 0, as if it were a change.
 * - `prices_not_one`: the prices of YES and NO do not add up to 1.
 */
export const suspicions = ["crossed_book", "dropped_levels", "prices_not_one"] as const;
export type Suspicion = (typeof suspicions)[number];

type Book = Payload<"market:orderbook">;

const outcomes = ["yes", "no"] as const;

const isCrossed = (book: Book): boolean =>
  outcomes.some((outcome) => {
    const { bids = [], asks = [] } = book[outcome] ?? {};
    const [bid, ask] = [bids[0], asks[0]];
    return bid !== undefined && ask !== undefined && comparePrices(bid.price, ask.price) > 0;
  });

const countLevels = (book: unknown): number => {
  const { yes, no } = Object(book);
  const sides: unknown[] = [yes, no].flatMap((each) => [Object(each).bids, Object(each).asks]);
  return sides.reduce<number>((sum, levels) => sum + (Array.isArray(levels) ? levels.length : 0), 0);
};

/**
 * Returns what is suspicious about a payload.
 *
 * @param sent the payload as it came.
 * @param delivered its canonical form.
 */
export function findSuspicions(channel: Channel, sent: unknown, delivered: object): readonly Suspicion[] {
  if (channel === "market:prices") {
    const { yes, no } = delivered as Payload<"market:prices">;
    return no === complementOf(yes) ? [] : ["prices_not_one"];
  }
  if (channel !== "market:orderbook") return [];
  const book = delivered as Book;
  const found: Suspicion[] = isCrossed(book) ? ["crossed_book"] : [];
  return countLevels(sent) === countLevels(book) ? found : [...found, "dropped_levels"];
}
