import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIRST_ID } from "../../contract/ids.ts";
import type { DataEvent } from "../../contract/messages.ts";
import { orderBookFormat } from "../../contract/state/order-book-format.ts";
import { type Book, book, bookMessage } from "../support/books.ts";
import type { TestClient } from "../support/client.ts";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { StateReceiver } from "../support/state-receiver.ts";

const channel = "market:orderbook";

let platform: Platform;
let markets = 0;

beforeAll(async () => {
  platform = await startPlatform({ environment: { RT_WHOLE_VALUE_RATE: "2" } });
});
afterAll(() => platform.stop());

/** A market of its own for each test. */
const newMarket = (): string => {
  markets += 1;
  return `book-${markets}`;
};

const publish = async (data: Book): Promise<string> => (await platform.publish([bookMessage(data)]))[0] ?? "";

const eventsOf = (client: TestClient, marketId: string): DataEvent[] =>
  (client.messages as DataEvent[]).filter((each) => each.marketId === marketId);

/** Publishes books that differ in the size of the best bid; more levels keep a change small beside the value. */
async function publishSizes(marketId: string, sizes: readonly number[]): Promise<{ ids: string[]; last: Book }> {
  const ids: string[] = [];
  let last = book(marketId, []);
  for (const size of sizes) {
    last = book(marketId, [size, 2, 3, 4], [5, 6, 7, 8]);
    ids.push(await publish(last));
  }
  return { ids, last };
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

/** Takes all that a client got of a market, and returns the receiver. */
function received(client: TestClient, marketId: string): StateReceiver {
  const receiver = new StateReceiver();
  for (const each of eventsOf(client, marketId)) receiver.take(each);
  expect(receiver).toMatchObject({ mismatches: 0, gaps: 0 });
  return receiver;
}

describe("a subscriber that asks for changes", () => {
  it("gets the whole value and then what changed, each with the sum of the value that it leads to", async () => {
    const marketId = newMarket();
    const { ids } = await publishSizes(marketId, [1]);
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel, marketId, changes: true });
    const { ids: more, last } = await publishSizes(marketId, [2, 3]);

    await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(more.at(-1));
    expect(answer).toMatchObject({ channel, marketId, id: ids[0] });
    const [first, ...changes] = eventsOf(client, marketId);
    expect(first).toMatchObject({ data: { marketId }, sum: expect.any(Number), id: ids[0], prev: FIRST_ID });
    expect(changes.map((each) => "changes" in each && each.changes.rows)).toEqual([
      { "yes.bids.0.5": "2" },
      { "yes.bids.0.5": "3" },
    ]);
    expect(changes[0]?.prev).toBe(ids[0]);
    expect(received(client, marketId).state?.value).toEqual(last);
  });

  it("gets them of every market by the whole channel, once, also where it is in a market's room as well", async () => {
    const [a, b] = [newMarket(), newMarket()];
    await publishSizes(a, [1]);
    const client = await platform.connect();
    await client.ask("subscribe", { channel, changes: true });
    await client.ask("subscribe", { channel, marketId: a, changes: true });
    const before = eventsOf(client, a).length;
    const { ids, last } = await publishSizes(a, range(2, 5));
    const { last: other } = await publishSizes(b, [1, 2]);

    await expect.poll(() => eventsOf(client, b).length).toBeGreaterThan(0);
    await expect.poll(() => received(client, b).state?.value).toEqual(other);
    expect(received(client, a).state?.value).toEqual(last);
    const later = eventsOf(client, a).slice(before);
    expect(new Set(later.map(({ id }) => id)).size).toBe(later.length);
    expect(later.at(-1)?.id).toBe(ids.at(-1));
  });

  it("gets its own portfolio so", async () => {
    const client = await platform.connect({ user: "alice" });
    await client.ask("subscribe", { channel: "user:portfolio", changes: true });
    const ids = await platform.publish([message("user:portfolio", "alice", 1)]);
    ids.push(...(await platform.publish([message("user:portfolio", "alice", 2)])));
    await expect.poll(() => client.ids("user:portfolio").at(-1)).toBe(ids[1]);
    const receiver = new StateReceiver();
    for (const each of client.of("user:portfolio")) receiver.take(each);
    expect(receiver).toMatchObject({ mismatches: 0, gaps: 0 });
    expect(receiver.state?.value).toEqual(message("user:portfolio", "alice", 2).data);
  });

  it("gets one change composed of all where it asks for fewer messages", async () => {
    const marketId = newMarket();
    await publishSizes(marketId, [1]);
    const client = await platform.connect();
    await client.ask("subscribe", { channel, marketId, changes: true, maxRate: 2 });
    const { ids, last } = await publishSizes(marketId, range(2, 40));

    await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(ids.at(-1));
    expect(eventsOf(client, marketId).length).toBeLessThan(30);
    expect(received(client, marketId).state?.value).toEqual(last);
  });

  it("gets the whole value once more, and no older change after it, where it asks again", async () => {
    const marketId = newMarket();
    await publishSizes(marketId, [1]);
    const client = await platform.connect();
    for (const request of [{}, { changes: true }, { depth: 5, changes: true }, { changes: true }]) {
      await client.ask("subscribe", { channel, marketId, ...request });
      await publishSizes(marketId, range(2, 5));
    }
    const { ids, last } = await publishSizes(marketId, [9]);
    await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(ids[0]);
    expect(received(client, marketId).state?.value).toEqual(last);
    await client.ask("unsubscribe", { channel, marketId });
    const count = client.messages.length;
    await publishSizes(marketId, [10]);
    await client.ask("subscribe", { channel: "monitor:signals" });
    expect(client.messages).toHaveLength(count);
  });
});

describe("a subscriber of the first version, without options", () => {
  it("gets whole values, the newest ones, at most as many a second as the gateway is set to", async () => {
    const marketId = newMarket();
    const [whole, all] = [await platform.connect(), await platform.connect()];
    await whole.ask("subscribe", { channel, marketId });
    await all.ask("subscribe", { channel, marketId, changes: true });
    const started = performance.now();
    const ids: string[] = [];
    let last = book(marketId, []);
    while (performance.now() - started < 1_500) {
      const next = await publishSizes(marketId, [ids.length + 1]);
      ids.push(...next.ids);
      last = next.last;
    }
    await expect.poll(() => eventsOf(whole, marketId).at(-1)?.id).toBe(ids.at(-1));
    // One at once, then one for each interval; a timer may be early by a part of a millisecond.
    const maximum = 2 + Math.floor(((performance.now() - started) / 1_000) * 2);
    const got = eventsOf(whole, marketId);
    expect(ids.length).toBeGreaterThan(maximum);
    expect(got.length).toBeLessThanOrEqual(maximum);
    expect(got.every((each) => "data" in each)).toBe(true);
    expect(got.at(-1)).toMatchObject({ data: last });
    expect(got.slice(1).map(({ prev }) => prev)).toEqual(got.slice(0, -1).map(({ id }) => id));
    expect(received(all, marketId).state?.value).toEqual(last);
  });

  it("gets the newest value of a resume, and heartbeats that name only ids that it got", async () => {
    const marketId = newMarket();
    const { ids } = await publishSizes(marketId, range(1, 10));
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel, marketId, lastId: ids[3] });
    expect(answer).toMatchObject({ id: ids.at(-1), recovered: true });
    await publishSizes(marketId, range(11, 10));
    const beats = client.heartbeats.length;
    await expect.poll(() => client.heartbeats.length).toBeGreaterThan(beats + 2);
    const [first] = eventsOf(client, marketId);
    expect(first).toMatchObject({ data: { marketId }, id: ids.at(-1), prev: ids[3] });
    const known = new Set(eventsOf(client, marketId).map(({ id }) => id));
    for (const { id } of client.heartbeats) expect(known).toContain(id);
  });

  it("gets the event of the value that it joins with, also where newer entries wait for the rate", async () => {
    const marketId = newMarket();
    const publishNamed = (event: string) =>
      platform.publish([{ ...bookMessage(book(marketId, [1, 2, 3], [4])), event }]);
    await publishNamed("first");
    const early = await platform.connect();
    await early.ask("subscribe", { channel, marketId });
    // The value that goes out at once; what comes next waits.
    await publishNamed("second");
    await expect.poll(() => eventsOf(early, marketId)).toHaveLength(2);
    const [id] = await publishNamed("third");
    const late = await platform.connect();
    await late.ask("subscribe", { channel, marketId });
    await expect.poll(() => eventsOf(late, marketId).at(-1)?.id).toBe(id);
    const named = [...eventsOf(early, marketId), ...eventsOf(late, marketId)].map(({ event }) => event);
    expect(named).not.toContain(undefined);
    expect(eventsOf(late, marketId).at(-1)?.event).toBe("third");
  });
});

describe("a resume with changes", () => {
  it.each([
    ["from memory", 5, 20, true],
    ["from beyond the gateway's memory", 3, 85, true],
    ["from beyond what Redis keeps, as the whole value", 3, 130, false],
  ])("%s is one message", async (_, before, after, isChange) => {
    const marketId = newMarket();
    const { ids } = await publishSizes(marketId, range(1, before));
    const first = await platform.connect();
    await first.ask("subscribe", { channel, marketId, changes: true });
    const { ids: later, last } = await publishSizes(marketId, range(before + 1, after));
    const client = await platform.connect({ gateway: 1 });
    const lastId = ids.at(-1);
    const answer = await client.ask("subscribe", { channel, marketId, changes: true, lastId });

    expect(answer).toMatchObject({ id: later.at(-1), recovered: true });
    await expect.poll(() => eventsOf(client, marketId)).toHaveLength(1);
    const [resumed] = eventsOf(client, marketId);
    expect(resumed).toMatchObject({ id: later.at(-1), prev: lastId });
    expect(resumed && "changes" in resumed).toBe(isChange);
    await expect.poll(() => received(first, marketId).state?.value).toEqual(last);
    const receiver = received(first, marketId);
    expect(resumed?.sum).toBe(receiver.state?.sum);
  });

  it("in place brings the whole value of a market that it names no id for, and nothing of one that is level", async () => {
    const [level, lost] = [newMarket(), newMarket()];
    const [{ ids: levelIds }, { ids: lostIds, last }] = [await publishSizes(level, [1]), await publishSizes(lost, [1])];
    const client = await platform.connect();
    const request = { channel, marketId: [level, lost], changes: true };
    await client.ask("subscribe", request);
    await client.ask("subscribe", { ...request, lastId: { [level]: levelIds[0] } });
    await expect.poll(() => eventsOf(client, lost)).toHaveLength(2);
    expect(eventsOf(client, lost)[1]).toMatchObject({ data: last, id: lostIds[0] });
    expect(eventsOf(client, level)).toHaveLength(1);
  });

  it("of a client that is level is nothing, and goes on", async () => {
    const marketId = newMarket();
    const { ids } = await publishSizes(marketId, [1, 2]);
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel, marketId, changes: true, lastId: ids[1] });
    expect(answer).toMatchObject({ id: ids[1], recovered: true });
    const { ids: next } = await publishSizes(marketId, [3]);
    await expect.poll(() => eventsOf(client, marketId)).toMatchObject([{ id: next[0], prev: ids[1], changes: {} }]);
  });

  it("of a client that is ahead is the whole value, and said not to be complete", async () => {
    const marketId = newMarket();
    const { ids, last } = await publishSizes(marketId, [1, 2]);
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel, marketId, changes: true, lastId: "9999999999999-0" });
    expect(answer).toMatchObject({ id: ids[1], recovered: false });
    await expect.poll(() => eventsOf(client, marketId)).toMatchObject([{ data: last, id: ids[1], prev: ids[0] }]);
  });

  it("after an outage of the subscriptions brings everybody level", async () => {
    const marketId = newMarket();
    await publishSizes(marketId, [1]);
    const [changes, whole] = [await platform.connect(), await platform.connect({ gateway: 1 })];
    await changes.ask("subscribe", { channel, marketId, changes: true });
    await whole.ask("subscribe", { channel, marketId });
    const killing = platform.commands.call("CLIENT", "KILL", "TYPE", "PUBSUB");
    const { ids, last } = await publishSizes(marketId, range(2, 20));
    await killing;
    await expect.poll(() => eventsOf(changes, marketId).at(-1)?.id).toBe(ids.at(-1));
    await expect.poll(() => eventsOf(whole, marketId).at(-1)?.id).toBe(ids.at(-1));
    expect(received(changes, marketId).state?.value).toEqual(last);
    expect(eventsOf(whole, marketId).at(-1)).toMatchObject({ data: last });
  });
});

describe("a view of the best levels", () => {
  const limited = (value: Book, depth: number) => ({ ...orderBookFormat.limit?.(value, depth), time: 0 });

  it.each([true, false])("has only them, and no message for what changes deeper (changes: %s)", async (changes) => {
    const marketId = newMarket();
    await publish(book(marketId, [1, 2, 3, 4], [5, 6]));
    const client = await platform.connect();
    const answer = await client.ask("subscribe", { channel, marketId, depth: 1, changes });
    const deep = await publish(book(marketId, [1, 2, 9, 4], [5, 7]));
    // The best bid goes: the next one takes its place.
    const last = book(marketId, [0, 2, 9, 4], [5, 7]);
    const id = await publish(last);
    await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(id);

    const got = eventsOf(client, marketId);
    expect(got.map(({ depth }) => depth)).toEqual([1, 1]);
    expect(got.map(({ id: each }) => each)).toEqual([answer.id, id]);
    expect(got[1]?.prev).toBe(answer.id);
    const value = received(client, marketId).state?.value as Book;
    expect({ ...value, time: 0 }).toEqual(limited(last, 1));
    const beats = client.heartbeats.length;
    await publish(book(marketId, [0, 2, 9, 4, 7], [5, 7]));
    await expect.poll(() => client.heartbeats.length).toBeGreaterThan(beats + 2);
    expect(new Set(client.heartbeats.map((each) => each.id))).not.toContain(deep);
    expect(client.heartbeats.at(-1)?.id).toBe(id);
  });

  it("is resumed by the id that it sent last, and by any other one as a whole", async () => {
    const marketId = newMarket();
    await publish(book(marketId, [1, 2, 3], [5]));
    const stay = await platform.connect();
    const { id: shown } = await stay.ask("subscribe", { channel, marketId, depth: 1, changes: true });
    const deep = await publish(book(marketId, [1, 2, 4], [5]));
    const [level, other] = [await platform.connect(), await platform.connect()];
    const request = { channel, marketId, depth: 1, changes: true };
    const answer = await level.ask("subscribe", { ...request, lastId: shown });
    expect(answer).toMatchObject({ id: shown, recovered: true });
    // Another gateway may have sent the id that this one has skipped.
    expect(await other.ask("subscribe", { ...request, lastId: deep })).toMatchObject({ id: deep, recovered: true });

    const last = book(marketId, [7, 2, 4], [5]);
    const id = await publish(last);
    for (const client of [stay, level, other]) {
      await expect.poll(() => eventsOf(client, marketId).at(-1)?.id).toBe(id);
    }
    expect(eventsOf(other, marketId)[0]).toMatchObject({ changes: { rows: { "yes.bids.0.5": "7" } }, prev: deep });
    expect(received(stay, marketId).state?.value).toEqual(orderBookFormat.limit?.(last, 1));
    expect(eventsOf(level, marketId).at(-1)?.sum).toBe(received(stay, marketId).state?.sum);
  });
});

describe("options that a channel does not have", () => {
  it.each([
    [{ channel: "market:prices", changes: true }, /changes/],
    [{ channel: "user:orders", changes: true }, /changes/],
    [{ channel: "market:trades", marketId: "m", depth: 5 }, /depth/],
    [{ channel, depth: 5 }, /marketId/],
    [{ channel, marketId: "m", depth: 0 }, /depth/],
    [{ channel, marketId: "m", depth: -1 }, /depth/],
    [{ channel, marketId: "m", depth: "all" }, /depth/],
    [{ channel, marketId: "m", changes: 1 }, /changes/],
  ])("are refused: %j", async (request, what) => {
    const client = await platform.connect({ user: "options" });
    const answer = await client.ask("subscribe", request);
    expect(answer).toMatchObject({ code: "bad_request", message: expect.stringMatching(what) });
  });
});
