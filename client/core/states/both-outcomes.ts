import type { Payload } from "../../../contract/channels.ts";
import { mirrorBook } from "../../../contract/mirrored-book.ts";
import { complementOf } from "../../../contract/payloads/decimals.ts";

type MirroredBook = Pick<Payload<"market:orderbook">, "marketId" | "yes"> & { readonly mirrored?: boolean };

/** Returns an order book with both outcomes where NO is the mirror of YES and was not sent, anything else as it is. */
export function withBothOutcomes<P extends object>(value: P): P {
  const { marketId, yes, ...others } = value as MirroredBook;
  return others.mirrored ? ({ marketId, yes, no: mirrorBook(yes), ...others } as P) : value;
}

/** Returns the keys of changed rows with those of the mirrored outcome: `yes.bids.0.4` is `no.asks.0.6` too. */
export const withBothKeys = (keys: readonly string[]): string[] =>
  keys.flatMap((key) => {
    const [outcome, side] = key.split(".", 2);
    // Rows of NO are gone from a book that is mirrored from now on.
    if (outcome !== "yes") return [key];
    return [key, `no.${side === "bids" ? "asks" : "bids"}.${complementOf(key.slice(9))}`];
  });
