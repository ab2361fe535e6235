import { useAtomValue } from "jotai";
import { type ChannelState, type Selection, useChannel } from "../../../client/react/index.ts";
import type { OutcomeBook } from "../../../contract/payloads/order-book.ts";
import { type Feed, useFeed } from "./liveness.ts";
import { bookDepthAtom } from "./session.ts";

type Book = ChannelState<"market:orderbook">;

/** Follows a part of one market's order book, of as many levels as the page asks for. */
function useBook<T>(marketId: string, selection: Selection<Book, T>): T {
  const depth = useAtomValue(bookDepthAtom);
  return useChannel("market:orderbook", {
    marketId,
    keep: 0,
    ...(depth === undefined ? {} : { depth }),
    ...selection,
  });
}

const NO_LEVELS: OutcomeBook = { bids: [], asks: [] };

const levelsOf = {
  yes: { selector: ({ latest }: Book): OutcomeBook => latest?.data.yes ?? NO_LEVELS },
  no: { selector: ({ latest }: Book): OutcomeBook => latest?.data.no ?? NO_LEVELS },
};

/** The levels of one outcome. A side is the same array until something in it changes. */
export const useBookLevels = (marketId: string, outcome: "yes" | "no"): OutcomeBook =>
  useBook(marketId, levelsOf[outcome]);

const freshness = {
  selector: ({ status, since, error }: Book) => ({ status, since, error }),
  isEqual: (before: Pick<Book, "status" | "since" | "error">, now: typeof before): boolean =>
    before.status === now.status && before.since === now.since && before.error === now.error,
};

/** Judges the order book of one market. Renders where that changes, and not with every value. */
export const useBookFeed = (name: string, marketId: string): Feed => useFeed(name, useBook(marketId, freshness));
