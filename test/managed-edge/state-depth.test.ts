import { describe, expect, it } from "vitest";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import type { Book } from "../support/books.ts";
import { eventsOf, manyLevels, nextMarket, received, startBooksEdge } from "../support/edge-books.ts";

const channel = "market:orderbook";

const { edge, idle, publish, subscribe } = await startBooksEdge();

describe("a subscriber with a depth", () => {
  const levels = manyLevels(20);

  async function subscribeDeep() {
    const marketId = nextMarket();
    const before = await publish(marketId, levels);
    return { marketId, before, ...(await subscribe({ marketId, depth: 5, changes: true })) };
  }

  const viewOf = (truth: Book) => {
    const data = orderBookFormat.limit?.(truth, 5) as Book;
    return { data, sum: sumOf(orderBookFormat, data), depth: 5 };
  };

  it("gets the best levels, with their own sum, where they changed", async () => {
    const { marketId, before, client } = await subscribeDeep();
    const steps = [
      { ...levels, "0.499": "11" },
      // A level goes, and the sixth moves up.
      Object.fromEntries(Object.entries(levels).filter(([price]) => price !== "0.497")),
      // A better one comes.
      { ...levels, "0.4995": "3" },
    ];
    const published = [];
    for (const step of steps) {
      published.push(await publish(marketId, step));
      await idle();
    }

    const [snapshot, ...events] = await received(client, published.at(-1)?.id ?? "");
    expect(snapshot).toMatchObject({ ...viewOf(before.truth), id: before.id });
    expect(events).toMatchObject(published.map(({ id, truth }) => ({ id, ...viewOf(truth) })));
  });

  it("gets nothing where only levels below its depth changed, and heartbeats without an id", async () => {
    const { marketId, client } = await subscribeDeep();
    for (const price of ["0.485", "0.494", "0.506"]) {
      await publish(marketId, { ...levels, [price]: "1" });
      await idle();
    }
    await publish(marketId, manyLevels(17));
    await idle();
    await client.ask("ping");
    await expect.poll(() => client.frames.filter(({ event }) => event === "heartbeat")).toHaveLength(1);
    expect(eventsOf(client)).toHaveLength(1);
    expect(client.frames.find(({ event }) => event === "heartbeat")?.data).toEqual({ channel, marketId });

    const { id, truth } = await publish(marketId, { ...manyLevels(17), "0.501": "8" });
    expect((await received(client, id))[1]).toMatchObject(viewOf(truth));
  });

  it("is named the newest id where the room was not marked, so that it asks again", async () => {
    const { marketId, client } = await subscribeDeep();
    await edge.commands.del(`edge:{market:orderbook}:${marketId}`, "edge:{market:orderbook}");
    const { id } = await publish(marketId, { ...levels, "0.499": "5" });
    await client.ask("ping");
    await expect
      .poll(() => client.frames.filter(({ event }) => event === "heartbeat").map(({ data }) => data))
      .toEqual([{ channel, marketId, id }]);
  });

  it("resumes with nothing where it has the newest id, else with the best levels", async () => {
    const { marketId, before } = await subscribeDeep();
    const current = await subscribe({ marketId, depth: 5, lastId: before.id });
    expect(current.answer).toMatchObject({ id: before.id, recovered: true });
    expect(eventsOf(current.client)).toEqual([]);

    const { id, truth } = await publish(marketId, { ...levels, "0.485": "1" });
    const resumed = await subscribe({ marketId, depth: 5, lastId: before.id, changes: true });
    expect(resumed.answer).toMatchObject({ id, recovered: true });
    expect(await received(resumed.client, id)).toMatchObject([{ ...viewOf(truth), prev: before.id }]);
  });

  it("is another view than all levels at one connection, and the latest subscribe of a topic counts", async () => {
    const { marketId, client } = await subscribeDeep();
    await client.ask("subscribe", { channel, changes: true });
    const both = await publish(marketId, { ...levels, "0.499": "2" });
    await expect.poll(() => eventsOf(client, marketId).filter(({ id }) => id === both.id)).toHaveLength(2);
    await client.ask("unsubscribe", { channel });
    await client.ask("subscribe", { channel, marketId, changes: true });

    const only = await publish(marketId, { ...levels, "0.499": "3" });
    await received(client, only.id, marketId);
    await idle();
    expect(eventsOf(client, marketId).filter(({ id }) => id === only.id)).toMatchObject([
      { changes: { rows: { "yes.bids.0.499": "3" } }, prev: both.id },
    ]);
  });
});
