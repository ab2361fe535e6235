import { describe, expect, it } from "vitest";
import { channels } from "../../contract/channels.ts";
import type { DataEvent, DataMessage } from "../../contract/messages.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { sumOf } from "../../contract/state/verified-state.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { type Book, book, bookMessage, type Levels, manyLevels, nextTime } from "../support/books.ts";
import { startTestEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { message } from "../support/messages.ts";
import { StateReceiver } from "../support/state-receiver.ts";

const channel = "market:orderbook";
const KEPT = channels[channel].history.entries;

const edge = await startTestEdge();

const idle = (): Promise<void> => expect.poll(() => edge.queue.size()).toBe(0);

let markets = 0;
const nextMarket = (): string => `state-${++markets}`;

const eventsOf = (client: EdgeClient, marketId?: string): DataEvent[] =>
  (client.of(channel) as DataEvent[]).filter((each) => marketId === undefined || each.marketId === marketId);

const publish = async (marketId: string, levels: Levels): Promise<{ readonly id: string; readonly truth: Book }> => {
  const truth = book(marketId, levels);
  const [id = ""] = await edge.publish([bookMessage(truth)]);
  return { id, truth };
};

/** Publishes 200 levels a side with long numbers, 60 KB; `replaced` of them have other prices. */
async function publishLong(marketId: string, replaced: number) {
  const toSide = (first: number) =>
    Array.from({ length: 200 }, (_, index) => ({
      price: `0.${first + index}${(index < replaced ? "2" : "1").repeat(14)}`,
      size: "12345678901234567.123456789",
    }));
  const outcome = { bids: toSide(100).toReversed(), asks: toSide(500) };
  const truth: Book = { marketId, yes: outcome, no: outcome, time: nextTime() };
  const [id = ""] = await edge.publish([bookMessage(truth)]);
  return { id, truth };
}

async function subscribe(request: object) {
  const client = await edge.connect();
  const answer = await client.askUntilAvailable("subscribe", { channel, ...request });
  return { client, answer };
}

/** Keeps batches from the fan-out until the returned function is called. */
function holdFanOut(): () => void {
  const held: (() => void)[] = [];
  edge.faults.fanOut = async (event, run) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return run(event);
  };
  return () => {
    edge.faults.fanOut = (event, run) => run(event);
    for (const release of held) release();
  };
}

/** The messages of a client, once it has the one with this id. */
async function received(client: EdgeClient, id: string, marketId?: string): Promise<DataEvent[]> {
  await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(id);
  return eventsOf(client, marketId);
}

const kinds = (events: readonly DataEvent[]): string[] =>
  events.map((event) => ("data" in event ? "whole" : "changes"));

describe("a subscriber that asked for changes", () => {
  it.each([true, false])("gets the value, and then what changed; the whole channel: %s", async (isWhole) => {
    const marketId = nextMarket();
    await publish(marketId, manyLevels(20));
    const { client } = await subscribe({ ...(isWhole ? {} : { marketId }), changes: true });

    for (const size of ["1", "2", "3"]) {
      await publish(marketId, { ...manyLevels(20), "0.499": size });
      await idle();
    }
    const { id, truth } = await publish(marketId, manyLevels(19));

    const events = await received(client, id, marketId);
    expect(kinds(events)).toEqual(["whole", "changes", "changes", "changes", "changes"]);
    const receiver = new StateReceiver().takeAll(events);
    expect(receiver.problems).toEqual([]);
    expect(receiver.state?.value).toEqual(truth);
  });

  it("gets the first value of a market that had none whole", async () => {
    const marketId = nextMarket();
    const { client, answer } = await subscribe({ marketId, changes: true });
    const { id, truth } = await publish(marketId, { "0.4": "1" });

    expect(answer).toMatchObject({ id: "0-0" });
    expect(await received(client, id)).toMatchObject([{ data: truth, id, prev: "0-0", sum: expect.any(Number) }]);
  });

  it("gets a batch as one change, from the id that it has on", async () => {
    const marketId = nextMarket();
    await publish(marketId, manyLevels(20));
    const early = await subscribe({ marketId, changes: true });
    const release = holdFanOut();
    await publish(marketId, { ...manyLevels(20), "0.499": "2" });
    const middle = await publish(marketId, { ...manyLevels(20), "0.498": "3" });
    const late = await subscribe({ marketId, changes: true });
    const last = await publish(marketId, { ...manyLevels(20), "0.498": "4" });
    release();

    const [first, next] = await received(early.client, last.id);
    expect(next).toMatchObject({
      prev: first?.id,
      changes: { rows: { "yes.bids.0.498": "4", "yes.bids.0.499": "10" } },
    });
    const [start, only] = await received(late.client, last.id);
    expect(start).toMatchObject({ id: middle.id });
    expect(only).toMatchObject({ prev: middle.id, changes: { rows: { "yes.bids.0.498": "4" } } });
    await idle();
    for (const { client } of [early, late]) {
      expect(eventsOf(client)).toHaveLength(2);
      expect(new StateReceiver().takeAll(eventsOf(client))).toMatchObject({
        problems: [],
        state: { value: last.truth },
      });
    }
  });

  it("gets the whole value where the history does not reach back to its id", async () => {
    const marketId = nextMarket();
    const before = await publish(marketId, manyLevels(20));
    const { client } = await subscribe({ marketId, changes: true });
    const release = holdFanOut();
    let last = before;
    for (let number = 1; number <= KEPT + 1; number += 1) {
      last = await publish(marketId, { ...manyLevels(20), "0.499": String(number) });
    }
    release();

    expect((await received(client, last.id))[1]).toMatchObject({ data: last.truth, prev: before.id });
  });

  it("gets the whole value where what changed is longer than that", async () => {
    const marketId = nextMarket();
    const before = await publishLong(marketId, 0);
    const { client } = await subscribe({ marketId, changes: true });
    const release = holdFanOut();
    let last = before;
    for (const replaced of [40, 80, 120, 160, 200]) last = await publishLong(marketId, replaced);
    const back = await subscribe({ marketId, changes: true, lastId: before.id });
    release();

    for (const events of [(await received(client, last.id)).slice(1), await received(back.client, last.id)]) {
      expect(events).toMatchObject([{ data: last.truth, prev: before.id }]);
    }
    const entries = await edge.commands.xrange(streamKey({ channel, key: marketId }), "-", "+");
    expect(entries.filter(([, [, body]]) => body?.includes('"changes"'))).toHaveLength(5);
    expect(edge.posted.filter((body) => Buffer.byteLength(body) > 128 * 1_024)).toEqual([]);
  });

  it("gets a portfolio as changes of its positions", async () => {
    const client = await edge.connect({ user: "state-user" });
    await client.ask("subscribe", { channel: "user:portfolio", changes: true });
    const first = message("user:portfolio", "state-user", 1);
    await edge.publish([first]);
    await idle();
    const second = message("user:portfolio", "state-user", 2);
    const [id] = await edge.publish([second]);

    await expect.poll(() => client.ids("user:portfolio").at(-1)).toBe(id);
    const events = client.of("user:portfolio") as DataEvent[];
    expect(kinds(events)).toEqual(["whole", "changes"]);
    expect(new StateReceiver().takeAll(events)).toMatchObject({ problems: [], state: { value: second.data } });
  });

  it("does not miss anything where it subscribes while messages flow", async () => {
    const marketId = nextMarket();
    const isFlowing = { value: true };
    let last = await publish(marketId, manyLevels(30));
    const flow = (async () => {
      for (let number = 1; isFlowing.value; number += 1) {
        last = await publish(marketId, { ...manyLevels(30), [`0.4${61 + (number % 9)}`]: String(number) });
      }
    })();
    const views = [{ changes: true }, {}, { changes: true, depth: 5 }];
    const joined = await Promise.all(
      Array.from({ length: 12 }, (_, index) => {
        const scope = index % 2 === 0 || index % 3 === 2 ? { marketId } : {};
        return subscribe({ ...scope, ...views[index % 3] });
      }),
    );
    isFlowing.value = false;
    await flow;
    await idle();
    const end = await publish(marketId, { ...manyLevels(30), "0.499": "77" });

    for (const { client } of joined) {
      const events = await received(client, end.id, marketId);
      const receiver = new StateReceiver().takeAll(events);
      expect(receiver.problems).toEqual([]);
      const { depth } = events.at(-1) ?? {};
      expect(receiver.state?.value).toEqual(depth ? orderBookFormat.limit?.(end.truth, depth) : end.truth);
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    }
    expect(last.id).not.toBe(end.id);
  });
});

describe("a subscriber that did not ask for changes", () => {
  it("gets whole values, one for each batch", async () => {
    const marketId = nextMarket();
    const before = await publish(marketId, manyLevels(20));
    const { client } = await subscribe({ marketId });
    const release = holdFanOut();
    for (const size of ["1", "2", "3"]) await publish(marketId, { ...manyLevels(20), "0.499": size });
    const { id, truth } = await publish(marketId, { ...manyLevels(20), "0.499": "4" });
    release();

    const [snapshot, only, ...others] = await received(client, id);
    expect(snapshot).toMatchObject({ data: before.truth, id: before.id });
    expect(only).toMatchObject({ data: truth, id, prev: before.id, sum: sumOf(orderBookFormat, truth) });
    expect(others).toEqual([]);
    expect(client.frames.filter(({ data }) => "changes" in data)).toEqual([]);
  });

  it("gets a message once where it has the market and the whole channel", async () => {
    const marketId = nextMarket();
    await publish(marketId, manyLevels(20));
    const { client } = await subscribe({});
    await client.ask("subscribe", { channel, marketId });
    const before = eventsOf(client, marketId).length;
    const ids: string[] = [];
    for (const size of ["1", "2"]) {
      ids.push((await publish(marketId, { ...manyLevels(20), "0.499": size })).id);
      await idle();
    }
    await received(client, ids.at(-1) ?? "", marketId);
    expect(
      eventsOf(client, marketId)
        .slice(before)
        .map(({ id }) => id),
    ).toEqual(ids);
  });
});

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

describe("resuming", () => {
  async function publishSteps(count: number) {
    const marketId = nextMarket();
    const ids: string[] = [];
    let truth: Book | undefined;
    for (let number = 0; number < count; number += 1) {
      const step = await publish(marketId, {
        ...manyLevels(20),
        [`0.49${1 + (number % 9)}`]: `${number + 1}`,
      });
      ids.push(step.id);
      truth = step.truth;
    }
    return { marketId, ids, truth };
  }

  it("gives what changed as one message, of one market and of the whole channel", async () => {
    const { marketId, ids, truth } = await publishSteps(8);
    const last = ids.at(-1) ?? "";
    const one = await subscribe({ marketId, changes: true, lastId: ids[2] });
    const whole = await subscribe({ changes: true, lastId: { [marketId]: ids[2] } });
    const list = await subscribe({ marketId: [marketId], changes: true, lastId: { [marketId]: ids[7] } });

    expect(one.answer).toMatchObject({ id: last, recovered: true });
    for (const { client } of [one, whole]) {
      const events = await received(client, last, marketId);
      expect(events).toMatchObject([{ prev: ids[2], id: last, sum: sumOf(orderBookFormat, truth as Book) }]);
      expect(kinds(events)).toEqual(["changes"]);
    }
    expect(list.answer).toMatchObject({ ids: { [marketId]: last }, recovered: true });
    expect(eventsOf(list.client)).toEqual([]);
  });

  it("gives the whole value from beyond the history, from an id ahead of the stream, and to those without changes", async () => {
    const { marketId, ids, truth } = await publishSteps(KEPT + 4);
    const last = ids.at(-1) ?? "";
    const beyond = await subscribe({ marketId, changes: true, lastId: ids[1] });
    const ahead = await subscribe({ marketId, changes: true, lastId: `${Date.now() + 60_000}-0` });
    const without = await subscribe({ marketId, lastId: ids.at(-3) });

    expect(beyond.answer).toMatchObject({ id: last, recovered: true });
    expect(await received(beyond.client, last)).toMatchObject([{ data: truth, prev: ids[1] }]);
    expect(ahead.answer).toMatchObject({ id: last, recovered: false });
    expect(await received(ahead.client, last)).toMatchObject([{ data: truth, prev: ids.at(-2) }]);
    expect(without.answer).toMatchObject({ id: last, recovered: true });
    expect(await received(without.client, last)).toMatchObject([{ data: truth, prev: ids.at(-3) }]);
  });

  it("takes an id that the publisher or the gateway named, and goes on from it", async () => {
    const marketId = nextMarket();
    const held = await publish(marketId, manyLevels(20));
    await publish(marketId, { ...manyLevels(20), "0.499": "2" });
    const receiver = new StateReceiver().takeAll([
      {
        channel,
        marketId,
        data: held.truth,
        sum: sumOf(orderBookFormat, held.truth),
        id: held.id,
        prev: "0-0",
      } as DataMessage,
    ]);
    const { client } = await subscribe({ marketId, changes: true, lastId: held.id });
    const { id, truth } = await publish(marketId, { ...manyLevels(20), "0.499": "3" });

    expect(receiver.takeAll(await received(client, id))).toMatchObject({ problems: [], state: { value: truth } });
  });
});

it("options that a channel does not have are refused, and what was subscribed before goes on as it was", async () => {
  const marketId = nextMarket();
  await publish(marketId, manyLevels(20));
  const { client } = await subscribe({ marketId, changes: true });
  const bad = [
    { channel, marketId, depth: 0 },
    { channel, marketId, depth: -1 },
    { channel, marketId, depth: "all" },
    { channel, marketId, depth: 7 },
    { channel, depth: 5 },
    { channel, marketId, changes: "yes" },
    { channel: "market:prices", marketId, depth: 5 },
    { channel: "market:trades", changes: true },
    { channel: "user:portfolio", depth: 5 },
  ];
  for (const request of bad) expect(await client.ask("subscribe", request)).toMatchObject({ code: "bad_request" });

  const { id } = await publish(marketId, { ...manyLevels(20), "0.499": "2" });
  expect(kinds(await received(client, id))).toEqual(["whole", "changes"]);
});
