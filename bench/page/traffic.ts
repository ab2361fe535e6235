import type { ChannelMessage } from "../../contract/domain-events.ts";
import { MARKETS } from "../../local/simulator/market.ts";

/** One message of each kind for the market that is shown comes after so many prices. */
const PRICES_BETWEEN = 100;

const decimal = (thousandths: number): string => `0.${String(thousandths).padStart(3, "0")}`;

/** Prices that move at every message: what does not change costs a page nothing. */
const priceOf = (number: number): number => 300 + ((number * 7) % 400);

function book(marketId: string, number: number) {
  const side = (direction: 1 | -1) =>
    Array.from({ length: 8 }, (_, level) => ({
      price: decimal(priceOf(number) + direction * (level + 1) * 2),
      size: String(100 + ((number + level * 37) % 900)),
    }));
  const outcome = { bids: side(-1), asks: side(1) };
  return { marketId, yes: outcome, no: outcome, time: Date.now() };
}

/** Messages for the whole page: prices of `count` markets in turn, and books and trades of the one that is shown. */
export function createTraffic(count: number): () => ChannelMessage {
  const shown = MARKETS[0].id;
  const others = Array.from({ length: Math.max(0, count - MARKETS.length) }, (_, index) => `market-${index}`);
  const markets = [...MARKETS.map(({ id }) => id), ...others].slice(0, count);
  let number = 0;
  return () => {
    number += 1;
    const eventId = `bench-${number}`;
    const time = Date.now();
    const counted = { version: number, versionEpoch: "bench" };
    if (number % PRICES_BETWEEN === 0) {
      return { channel: "market:orderbook", key: shown, eventId, ...counted, data: book(shown, number) };
    }
    if (number % PRICES_BETWEEN === PRICES_BETWEEN / 2) {
      const terms = { outcome: "yes", side: "buy", price: decimal(priceOf(number)), size: "10" } as const;
      return {
        channel: "market:trades",
        key: shown,
        eventId,
        data: { id: eventId, marketId: shown, exchange: "bench", ...terms, time },
      };
    }
    const marketId = markets[number % markets.length] ?? shown;
    const yes = priceOf(number);
    const data = { marketId, yes: decimal(yes), no: decimal(1_000 - yes), time };
    return { channel: "market:prices", key: marketId, eventId, ...counted, data };
  };
}
