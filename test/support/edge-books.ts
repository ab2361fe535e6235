import { expect } from "vitest";
import type { DataEvent } from "../../contract/messages.ts";
import { type Book, bookMessage, nextTime } from "./books.ts";
import { type Edge, startTestEdge } from "./edge.ts";
import type { EdgeClient } from "./edge-client.ts";
import { StateReceiver } from "./state-receiver.ts";

const channel = "market:orderbook";

let markets = 0;

/** Returns a market that no test has used. */
export const nextMarket = (): string => `state-${++markets}`;

/** The sizes of levels by their price; bids below 0.5, asks from there on. */
export type Levels = Readonly<Record<string, string>>;

const toSide = (levels: Levels, isBid: boolean) =>
  Object.entries(levels)
    .map(([price, size]) => ({ price, size }))
    .filter(({ price }) => Number(price) < 0.5 === isBid)
    .toSorted((a, b) => (isBid ? Number(b.price) - Number(a.price) : Number(a.price) - Number(b.price)));

/** A book with these levels of YES, and none of NO. */
const bookWith = (marketId: string, levels: Levels): Book => ({
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

/** A receiver that fails the test for a message that it cannot take as it is: the edge leaves no gap. */
export class StrictReceiver extends StateReceiver {
  takeAll(messages: readonly DataEvent[]): this {
    for (const message of messages) expect(this.take(message)).toBe(true);
    expect(this.repeats).toBe(0);
    return this;
  }
}

/** What a client got of order books. */
export const eventsOf = (client: EdgeClient, marketId?: string): DataEvent[] =>
  (client.of(channel) as DataEvent[]).filter((each) => marketId === undefined || each.marketId === marketId);

/** Resolves with what a client got, once it has the message with this id. */
export async function received(client: EdgeClient, id: string, marketId?: string): Promise<DataEvent[]> {
  await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(id);
  return eventsOf(client, marketId);
}

export const kinds = (events: readonly DataEvent[]): string[] =>
  events.map((event) => ("data" in event ? "whole" : "changes"));

/** A book that was published, with the id of its entry. */
export interface PublishedBook {
  readonly id: string;
  readonly truth: Book;
}

/** Starts an edge for the tests of order books in a file. */
export async function startBooksEdge() {
  const edge: Edge = await startTestEdge();

  async function publishBook(truth: Book): Promise<PublishedBook> {
    const [id = ""] = await edge.publish([bookMessage(truth)]);
    return { id, truth };
  }

  return {
    edge,
    publishBook,
    idle: (): Promise<void> => expect.poll(() => edge.queue.size()).toBe(0),
    publish: (marketId: string, levels: Levels): Promise<PublishedBook> => publishBook(bookWith(marketId, levels)),

    /** Publishes 200 levels a side with long numbers, 60 KB; `replaced` of them have other prices. */
    publishLong(marketId: string, replaced: number): Promise<PublishedBook> {
      const toSide = (first: number) =>
        Array.from({ length: 200 }, (_, index) => ({
          price: `0.${first + index}${(index < replaced ? "2" : "1").repeat(14)}`,
          size: "12345678901234567.123456789",
        }));
      const outcome = { bids: toSide(100).toReversed(), asks: toSide(500) };
      return publishBook({ marketId, yes: outcome, no: outcome, time: nextTime() });
    },

    async subscribe(request: object) {
      const client = await edge.connect();
      const answer = await client.askUntilAvailable("subscribe", { channel, ...request });
      return { client, answer };
    },

    /** Keeps batches from the fan-out until the returned function is called. */
    holdFanOut(): () => void {
      const held: (() => void)[] = [];
      edge.faults.fanOut = async (event, run) => {
        await new Promise<void>((resolve) => held.push(resolve));
        return run(event);
      };
      return () => {
        edge.faults.fanOut = (event, run) => run(event);
        for (const release of held) release();
      };
    },
  };
}
