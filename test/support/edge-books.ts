import { expect } from "vitest";
import type { DataEvent } from "../../contract/messages.ts";
import { type Book, book, bookMessage, type Levels, nextTime } from "./books.ts";
import { type Edge, startTestEdge } from "./edge.ts";
import type { EdgeClient } from "./edge-client.ts";

const channel = "market:orderbook";

let markets = 0;

/** Returns a market that no test has used. */
export const nextMarket = (): string => `state-${++markets}`;

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
    publish: (marketId: string, levels: Levels): Promise<PublishedBook> => publishBook(book(marketId, levels)),

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
