import { describe, expect, it } from "vitest";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import { type Book, nextTime } from "../support/books.ts";
import {
  eventsOf,
  kinds,
  manyLevels,
  nextMarket,
  received,
  StrictReceiver,
  startBooksEdge,
} from "../support/edge-books.ts";

const channel = "market:orderbook";

const { edge, idle, publish, publishBook, subscribe } = await startBooksEdge();

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
    expect(events.map(({ id, sum, depth }) => ({ id, sum, depth }))).toEqual(
      published.map(({ id, truth }) => ({ id, sum: viewOf(truth).sum, depth: 5 })),
    );
    expect(kinds(events)).toEqual(["changes", "changes", "changes"]);
    const receiver = new StrictReceiver().takeAll(eventsOf(client));
    expect(receiver.state?.value).toEqual(viewOf(published.at(-1)?.truth as Book).data);
  });

  it("gets changes that follow each other past messages that change nothing among its levels, as others do", async () => {
    const { marketId, client } = await subscribeDeep();
    const whole = await subscribe({ marketId, depth: 5 });
    let last = await publish(marketId, { ...levels, "0.499": "2" });
    await idle();
    for (const size of ["1", "2", "3"]) {
      await publish(marketId, { ...levels, "0.499": "2", "0.485": size });
      await idle();
    }
    const late = await subscribe({ marketId, depth: 5, changes: true });
    for (const size of ["3", "4"]) {
      last = await publish(marketId, { ...levels, "0.499": size, "0.485": "3" });
      await idle();
    }

    const events = await received(client, last.id);
    expect(kinds(events)).toEqual(["whole", "changes", "changes", "changes"]);
    expect(kinds(await received(late.client, last.id))).toEqual(["whole", "changes", "changes"]);
    expect(kinds(await received(whole.client, last.id))).toEqual(["whole", "whole", "whole", "whole"]);
    for (const each of [client, late.client, whole.client]) {
      const receiver = new StrictReceiver().takeAll(eventsOf(each));
      expect(receiver.state).toMatchObject({ value: viewOf(last.truth).data, sum: viewOf(last.truth).sum });
    }
  });

  it("gets the best levels whole where the cursor does not say what the view was sent last", async () => {
    const { marketId, client } = await subscribeDeep();
    const first = await publish(marketId, { ...levels, "0.499": "2" });
    await received(client, first.id);
    await idle();
    await edge.commands.set(`fanned:{market:orderbook}:${marketId}`, JSON.stringify({ id: first.id }));
    const second = await publish(marketId, { ...levels, "0.499": "3" });
    expect((await received(client, second.id)).at(-1)).toMatchObject(viewOf(second.truth));
    const third = await publish(marketId, { ...levels, "0.499": "4" });
    expect(kinds(await received(client, third.id))).toEqual(["whole", "changes", "whole", "changes"]);
    new StrictReceiver().takeAll(eventsOf(client));
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
    expect(new StrictReceiver().takeAll(await received(client, id)).state).toMatchObject({
      value: viewOf(truth).data,
      sum: viewOf(truth).sum,
    });
  });

  it("gets what the head says beside the time, although no level changed", async () => {
    const { before, client } = await subscribeDeep();
    const { no: _, ...mirrored } = before.truth;
    const truth = { ...mirrored, mirrored: true, time: nextTime() } as Book;
    const { id } = await publishBook(truth);
    expect((await received(client, id))[1]).toMatchObject({ changes: { head: { mirrored: true } }, id });
    expect(new StrictReceiver().takeAll(eventsOf(client)).state?.value).toEqual(viewOf(truth).data);
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
