import type { SQSEvent } from "aws-lambda";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Stream } from "../../contract/stream.ts";
import { DAMAGED_STATES } from "../../kernel/managed-edge/edge-metrics.ts";
import { createEdgeQueue } from "../../kernel/managed-edge/edge-queue.ts";
import { stateKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { readState } from "../../kernel/streams/stored-state.ts";
import { createStreamReader } from "../../kernel/streams/stream-reader.ts";
import { openPoster } from "../../lambdas/managed-edge/clients.ts";
import { createFanOut, type FanOutContext } from "../../lambdas/managed-edge/fan-out/fan-out.ts";
import { createEdgeStreams } from "../../lambdas/managed-edge/streams/edge-streams.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
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
const levels = manyLevels(20);

process.env.AWS_LAMBDA_FUNCTION_NAME = "edge-function";
const { edge, holdFanOut, idle, publish, subscribe } = await startBooksEdge();

const errors: string[] = [];
const context: FanOutContext = {
  ...openTable(String(process.env.RT_EDGE_TABLE)),
  streams: createEdgeStreams(edge.commands),
  reader: createStreamReader(edge.commands),
  readState: (stream) => readState(edge.commands, stream),
  poster: openPoster(edge.api.managementUrl),
  enqueueHints: await createEdgeQueue(edge.queue.environment.RT_EDGE_QUEUE_URL),
  splitOver: 1_000,
  windowMs: 0,
  onError: (error) => errors.push(String(error)),
  onCursorReplaced: (of) => errors.push(`a cursor of ${of} was replaced`),
};
beforeEach(() => {
  errors.length = 0;
});

/** Serves the queue by a fan-out with other dependencies. */
const serveWith = (more: Partial<FanOutContext>): void => {
  const fanOut = createFanOut({ ...context, ...more });
  edge.faults.fanOut = (event: SQSEvent) => fanOut(event);
};

const damages: readonly (readonly [string, (key: string) => Promise<unknown>])[] = [
  ["a changed row", (key) => edge.commands.hset(key, "yes.bids.0.499", '1:"7"')],
  ["a removed row", (key) => edge.commands.hdel(key, "yes.bids.0.499")],
  ["another type", (key) => edge.commands.multi().del(key).set(key, "x").exec()],
  ["an evicted hash", (key) => edge.commands.del(key)],
];

describe.each(damages)("a damaged value in Redis: %s", (_, damage) => {
  async function publishDamaged() {
    const marketId = nextMarket();
    const { id } = await publish(marketId, levels);
    const stream: Stream = { channel, key: marketId };
    return { marketId, id, damageNow: () => damage(stateKey(stream)) };
  }

  it("refuses subscribers until the next whole value", async () => {
    const { marketId, id, damageNow } = await publishDamaged();
    const sound = nextMarket();
    await publish(sound, levels);
    await damageNow();
    const client = await edge.connect();

    for (const request of [{ changes: true }, {}, { depth: 5 }, { lastId: "1-1" }]) {
      const answer = await client.ask("subscribe", { channel, marketId, ...request });
      expect(answer).toMatchObject({ code: "unavailable", marketId });
    }
    const list = await client.ask("subscribe", { channel, marketId: [sound, marketId] });
    expect(Object.keys(Object(list.ids))).toEqual([sound]);
    await expect.poll(() => client.errors.at(-1)).toMatchObject({ code: "unavailable", channel, marketId });
    const whole = await client.ask("subscribe", { channel });
    expect(whole.ids).toHaveProperty(sound);
    expect(whole.ids).not.toHaveProperty(marketId);
    // Who has the newest id needs no value.
    expect(await client.ask("subscribe", { channel, marketId, lastId: id, changes: true })).toHaveProperty("id", id);
    await client.ask("unsubscribe", { channel, marketId });

    const healed = await publish(marketId, manyLevels(2));
    await received(client, healed.id, marketId);
    const { client: other } = await subscribe({ marketId });
    expect(await received(other, healed.id)).toMatchObject([{ data: healed.truth }]);
  });

  it("ends the subscriptions that need it, and no other", async () => {
    const { marketId, id, damageNow } = await publishDamaged();
    serveWith({});
    const changing = await subscribe({ marketId, changes: true });
    const whole = await subscribe({ marketId });
    const deep = await subscribe({ marketId, depth: 5 });
    const all = await subscribe({});
    const before = eventsOf(all.client, marketId).length;
    await damageNow();
    // A publisher that knows the value as it was: the script does not look at rows that the change does not name.
    const change = { head: { time: Date.now() }, rows: { "yes.asks.0.501": "4" } };
    const body = JSON.stringify({ channel, marketId, changes: change, sum: 1 }).slice(0, -1);
    const next = `${Date.now() + 1_000}-0`;
    await edge.commands.xadd(streamKey({ channel, key: marketId }), next, "m", body, "p", id);
    await context.enqueueHints?.([{ hint: { channel, key: marketId }, deduplicationId: `${marketId}-damaged` }]);

    for (const { client } of [whole, deep]) {
      await expect.poll(() => client.errors).toMatchObject([{ code: "unavailable", channel, marketId }]);
      expect(eventsOf(client)).toHaveLength(1);
    }
    expect(kinds(await received(changing.client, next))).toEqual(["whole", "changes"]);
    await idle();
    expect([...changing.client.errors, ...all.client.errors]).toEqual([]);
    expect(eventsOf(all.client, marketId)).toHaveLength(before);
    expect(errors).toMatchObject([expect.stringContaining("DamagedStateError")]);
  });
});

it("each read of a damaged value is counted in a metric of the function that read it", async () => {
  const marketId = nextMarket();
  await publish(marketId, levels);
  const whole = await subscribe({ marketId });
  await idle();
  const lines: string[] = [];
  const output = vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
  const written = () => lines.filter((line) => line.includes(DAMAGED_STATES)).map((line) => JSON.parse(line));
  try {
    const client = await edge.connect();
    await edge.commands.del(stateKey({ channel, key: marketId }));
    expect(await client.ask("subscribe", { channel, marketId })).toMatchObject({ code: "unavailable" });
    await expect.poll(written).toHaveLength(1);
    const release = holdFanOut();
    await publish(marketId, { ...levels, "0.499": "7" });
    await edge.commands.del(stateKey({ channel, key: marketId }));
    release();
    await expect.poll(() => whole.client.errors).toMatchObject([{ code: "unavailable", marketId }]);
    await expect.poll(written).toHaveLength(2);
  } finally {
    output.mockRestore();
  }
  for (const line of written()) {
    expect(line).toMatchObject({ DamagedStates: 1, FunctionName: "edge-function", service: "managed-edge" });
    expect(line._aws.CloudWatchMetrics).toMatchObject([
      { Namespace: "VeztaRealtime", Dimensions: [["service", "FunctionName"]] },
    ]);
  }
});

it("a value that does not have its entry's sum is damaged, although it is consistent", async () => {
  const marketId = nextMarket();
  await publish(marketId, levels);
  const other = nextMarket();
  const { id } = await publish(other, { ...levels, "0.499": "7" });
  const [key, otherKey] = [marketId, other].map((each) => stateKey({ channel, key: each })) as [string, string];
  const ids = await edge.commands.hget(key, "!id");
  await edge.commands.copy(otherKey, key, "REPLACE");
  await edge.commands.hset(key, "!id", ids ?? id);

  const client = await edge.connect();
  expect(await client.ask("subscribe", { channel, marketId })).toMatchObject({ code: "unavailable" });
});

it("hints that come twice are delivered once", async () => {
  const marketId = nextMarket();
  const { client } = await subscribe({ marketId, changes: true });
  const other = await subscribe({ marketId });
  const { id } = await publish(marketId, levels);
  for (const each of [client, other.client]) await received(each, id);
  await idle();
  const { enqueueHints } = context;
  for (const deduplicationId of [`${marketId}-a`, `${marketId}-b`]) {
    await enqueueHints?.([{ hint: { channel, key: marketId }, deduplicationId }]);
  }
  await idle();
  for (const each of [client, other.client]) expect(eventsOf(each)).toHaveLength(1);
});

it("a value that is newer than the entries that were read is sent with those that came meanwhile, once", async () => {
  const marketId = nextMarket();
  const start = await publish(marketId, levels);
  const changing = await subscribe({ marketId, changes: true });
  const whole = await subscribe({ marketId });
  const published: string[] = [];
  let reads = 0;
  serveWith({
    readState: async (stream) => {
      reads += 1;
      if (reads === 1) published.push((await publish(marketId, { ...levels, "0.498": "2" })).id);
      return readState(edge.commands, stream);
    },
  });

  const first = await publish(marketId, { ...levels, "0.499": "2" });
  await expect.poll(() => published).toHaveLength(1);
  await received(whole.client, published[0] ?? "");
  await idle();

  expect(reads).toBe(2);
  expect(published[0]).not.toBe(first.id);
  for (const { client } of [changing, whole]) {
    expect(eventsOf(client).map(({ id, prev }) => [id, prev])).toEqual([
      [start.id, "0-0"],
      [published[0], start.id],
    ]);
  }
  expect(errors).toEqual([]);
});

it("a room that is split: every connection gets its view once", async () => {
  const marketId = nextMarket();
  let last = await publish(marketId, levels);
  serveWith({ splitOver: 6 });
  const views = [{ changes: true }, {}, { depth: 5, changes: true }];
  const clients = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => (await subscribe({ marketId, ...views[index % 3] })).client),
  );
  for (let number = 1; number <= 12; number += 1) {
    last = await publish(marketId, { ...levels, "0.499": String(number), "0.498": String(number) });
  }
  await idle();

  for (const [index, client] of clients.entries()) {
    const receiver = new StrictReceiver().takeAll(await received(client, last.id));
    expect(new Set(eventsOf(client).map(({ id }) => id)).size).toBe(eventsOf(client).length);
    if (index % 3 < 2) expect(receiver.state?.value).toEqual(last.truth);
  }
  expect(errors).toEqual([]);
});

it("the whole value follows where Redis has lost what clients have", async () => {
  const marketId = nextMarket();
  const start = await publish(marketId, levels);
  const changing = await subscribe({ marketId, changes: true });
  await edge.commands.del(streamKey({ channel, key: marketId }), stateKey({ channel, key: marketId }));
  const ahead = `${Date.now() + 50_000}-0`;
  await edge.commands.set(`fanned:{${channel}}:${marketId}`, JSON.stringify({ id: ahead }));

  const { id, truth } = await publish(marketId, { ...levels, "0.499": "3" });

  expect((await received(changing.client, id)).at(-1)).toMatchObject({ data: truth, prev: "0-0" });
  const resumed = await subscribe({ marketId, changes: true, lastId: ahead });
  expect(resumed.answer).toMatchObject({ id, recovered: false });
  expect(start.id).not.toBe(id);
});

it("a `subscribe` that is refused leaves the view as it was", async () => {
  const marketId = nextMarket();
  await publish(marketId, levels);
  const { client } = await subscribe({ marketId, changes: true });
  edge.faults.post = (_id, body) => (body.includes('"subscribed"') ? "throttled" : undefined);
  const release = holdFanOut();
  const asking = client.ask("subscribe", { channel, marketId, depth: 5 });
  const answer = await asking;
  Object.assign(edge.faults, noFaults());
  release();

  expect(answer).toMatchObject({ code: "unavailable" });
  const { id } = await publish(marketId, { ...levels, "0.48": "3" });
  expect((await received(client, id)).at(-1)).toMatchObject({ changes: { rows: { "yes.bids.0.48": "3" } } });
});
