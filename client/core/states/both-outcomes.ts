import type { Payload } from "../../../contract/channels.ts";
import { complementOf } from "../../../contract/payloads/decimals.ts";

type Book = Payload<"market:orderbook">["yes"];
type MirroredBook = Pick<Payload<"market:orderbook">, "marketId" | "yes"> & { readonly mirrored?: boolean };
type Level = Book["bids"][number];

/** Returns a function that computes the counterpart of an object once. */
function once<A extends object, B>(compute: (object: A) => B): (object: A) => B {
  const known = new WeakMap<A, B>();
  return (object) => {
    const found = known.get(object);
    if (found !== undefined) return found;
    const computed = compute(object);
    known.set(object, computed);
    return computed;
  };
}

// Each by its own identity, so that what is unchanged in one outcome is unchanged in the other.
const mirrorLevel = once(({ price, size }: Level): Level => ({ price: complementOf(price), size }));
const mirrorLevels = once((levels: readonly Level[]) => levels.map(mirrorLevel));
const mirrorBook = once(({ bids, asks }: Book): Book => ({ bids: mirrorLevels(asks), asks: mirrorLevels(bids) }));

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
