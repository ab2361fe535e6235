import { randomUUID } from "node:crypto";
import type { Payload } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";

export type Book = Payload<"market:orderbook">;

let newest = Date.now() - 3_600_000;

/** A time that is after all earlier ones. */
export const nextTime = (): number => ++newest;

/** A price of that many ten-thousandths, in canonical form. */
export const price = (units: number): string => `0.${String(units).padStart(4, "0").replace(/0+$/, "")}`;

const levels = (sizes: readonly (number | undefined)[], priceOf: (index: number) => string) =>
  sizes.flatMap((size, index) => (size ? [{ price: priceOf(index), size: String(size) }] : []));

/**
 * A book of one market: the sizes of the YES side, best price first. A level of size 0 or undefined is not there.
 */
export const book = (
  marketId: string,
  bids: readonly (number | undefined)[],
  asks: readonly (number | undefined)[] = [],
): Book => ({
  marketId,
  yes: { bids: levels(bids, (index) => price(5_000 - index)), asks: levels(asks, (index) => price(5_001 + index)) },
  no: { bids: [], asks: [] },
  time: nextTime(),
});

export const bookMessage = (data: Book): ChannelMessage => ({
  ...{ channel: "market:orderbook", key: data.marketId, eventId: randomUUID(), data },
});
