import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DataEvent } from "../../contract/messages.ts";
import { entriesRoom, pubSubChannel, stateKey, streamKey } from "../../kernel/streams/redis-keys.ts";
import { type Book, book, bookMessage } from "../support/books.ts";
import type { TestClient } from "../support/client.ts";
import { startTestRedis, type TestRedis } from "../support/redis.ts";
import { StateReceiver } from "../support/state-receiver.ts";
import { type InProcessGateway, startInProcess } from "./in-process.ts";

const channel = "market:orderbook";

let redis: TestRedis;
let gateway: InProcessGateway;
let markets = 0;
let marketId = "";
const stream = () => ({ channel, key: marketId }) as const;

beforeAll(async () => {
  redis = await startTestRedis("a single Redis");
});
beforeEach(async () => {
  markets += 1;
  marketId = `repair-${markets}`;
  gateway = await startInProcess(redis);
});
afterEach(() => gateway.stop());
afterAll(() => redis.stop());

const sized = (size: number): Book => book(marketId, [size, 2, 3, 4], [5, 6, 7, 8]);

/** Publishes by a publisher that has just started, which sends what differs from the value in Redis. */
async function publish(data: Book, publisher = redis.addPublisher()): Promise<string> {
  const [outcome] = await publisher.publish([bookMessage(data)]);
  return outcome?.status === "published" ? outcome.id : String(outcome?.status);
}

async function subscribe(request: object = { changes: true }): Promise<TestClient> {
  const { client } = await gateway.connect();
  await client.ask("subscribe", { channel, marketId, ...request });
  return client;
}

function receive(client: TestClient): StateReceiver {
  const receiver = new StateReceiver();
  for (const each of client.messages as DataEvent[]) receiver.take(each);
  return receiver;
}

const isLevel = async (client: TestClient, id: string): Promise<void> => {
  await expect.poll(() => client.messages.at(-1)?.id).toBe(id);
};

describe("Pub/Sub messages of a state channel", () => {
  it.each([
    ["lost", (): void => undefined],
    ["doubled", (body: Buffer, pass: (body: Buffer) => void): void => [body, body].forEach(pass)],
  ])("that are %s leave no client with another value", async (_, fault) => {
    await publish(sized(1));
    const client = await subscribe();
    gateway.pubSub.fault = fault;
    for (let size = 2; size < 6; size += 1) await publish(sized(size));
    gateway.pubSub.fault = (body, pass) => pass(body);
    const last = sized(9);
    const id = await publish(last);
    await isLevel(client, id);
    const receiver = receive(client);
    expect(receiver).toMatchObject({ mismatches: 0, gaps: 0, repeats: 0, state: { value: last } });
    expect(await gateway.count("stateMismatches")).toBe(0);
  });

  it("that come in another order are put in order by the stream", async () => {
    await publish(sized(1));
    const client = await subscribe();
    const held: (() => void)[] = [];
    gateway.pubSub.fault = (body, pass) => void held.push(() => pass(body));
    const values = [sized(2), sized(3), sized(4)];
    const ids: string[] = [];
    for (const value of values) ids.push(await publish(value));
    await expect.poll(() => held.length).toBe(3);
    for (const pass of held.toReversed()) pass();
    await isLevel(client, ids[2] ?? "");
    expect(receive(client)).toMatchObject({ mismatches: 0, gaps: 0, repeats: 0, state: { value: values[2] } });
  });

  it.each([
    ["a forged sum", (entry: { sum: number }) => ({ ...entry, sum: entry.sum + 1 })],
    [
      "a forged row",
      (entry: object) => ({ ...entry, changes: { head: { time: 1 }, rows: { "yes.bids.0.5": "666" } } }),
    ],
    ["a row of no key", (entry: object) => ({ ...entry, changes: { head: { time: 1 }, rows: { __proto: "1" } } })],
    ["a forged whole value", ({ changes: _, ...entry }: { changes: object }) => ({ ...entry, data: sized(666) })],
    ["no value at all", ({ changes: _, ...entry }: { changes: object }) => ({ ...entry, data: {} })],
  ])("with %s are detected, counted and replaced by what the stream has", async (_, forge) => {
    await publish(sized(1));
    const client = await subscribe();
    gateway.pubSub.fault = (body, pass) => {
      pass(Buffer.from(JSON.stringify(forge(JSON.parse(body.toString())))));
    };
    const last = sized(2);
    const id = await publish(last);
    await isLevel(client, id);
    expect(receive(client)).toMatchObject({ mismatches: 0, gaps: 0, state: { value: last } });
    expect(JSON.stringify(client.messages)).not.toContain('"666"');
    expect(await gateway.count("stateMismatches", { channel })).toBe(1);
  });

  it("that somebody else publishes with a wrong sum change nothing", async () => {
    const first = await publish(sized(1));
    const client = await subscribe();
    const forged = { channel, marketId, changes: { head: { time: 1 }, rows: {} }, sum: 7, id: "9-9", prev: first };
    await redis.commands.call("SPUBLISH", pubSubChannel(entriesRoom(stream())), JSON.stringify(forged));
    await expect.poll(() => gateway.count("stateMismatches")).toBe(1);
    const last = sized(2);
    const id = await publish(last);
    await isLevel(client, id);
    expect(receive(client)).toMatchObject({ mismatches: 0, gaps: 0, state: { value: last } });
    expect(client.messages).toHaveLength(2);
  });
});

describe("an entry in Redis that does not lead to its sum", () => {
  it("is left out: the value goes out whole, with the sum and in place of the entry", async () => {
    const publisher = redis.addPublisher();
    await publish(sized(1), publisher);
    const [clients, whole] = [[await subscribe(), await subscribe({ changes: true, depth: 1 })], await subscribe({})];
    gateway.pubSub.fault = () => undefined;
    const last = sized(3);
    const written = await publish(last, publisher);
    const key = streamKey(stream());
    const [[, fields] = ["", []]] = await redis.commands.xrevrange(key, written, written);
    const forged = fields.map((field) => field.replace('"yes.bids.0.5":"3"', '"yes.bids.0.5":"666"'));
    expect(forged).not.toEqual(fields);
    await redis.commands.xdel(key, written);
    // The next id: Redis takes none twice.
    const id = `${written.split("-")[0]}-1`;
    await redis.commands.xadd(key, id, ...forged);
    await redis.commands.hset(stateKey(stream()), "!id", id);
    await gateway.hub.repairAll();
    for (const client of [...clients, whole]) await isLevel(client, id);
    expect(receive(clients[0] as TestClient)).toMatchObject({ mismatches: 0, gaps: 0, state: { value: last } });
    expect(whole.messages.at(-1)).toMatchObject({ data: last });
    expect(await gateway.count("stateReloads", { channel })).toBe(1);
  });
});

describe("a value that is damaged in Redis", () => {
  const damages: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["tampered with", () => redis.commands.hset(stateKey(stream()), "yes.bids.0.5", '12:"7"')],
    ["missing a row", () => redis.commands.hdel(stateKey(stream()), "yes.bids.0.4999")],
    ["evicted", () => redis.commands.del(stateKey(stream()))],
    [
      "of another type",
      async () => {
        await redis.commands.del(stateKey(stream()));
        await redis.commands.set(stateKey(stream()), "x");
      },
    ],
  ];

  it.each(damages)(
    "(%s) is told and counted, refuses subscribers, and is healed by the next whole value",
    async (_, damage) => {
      await publish(sized(1));
      await damage();
      const { client } = await gateway.connect();
      const request = { channel, marketId, changes: true };
      expect(await client.ask("subscribe", request)).toMatchObject({ code: "unavailable", channel, marketId });
      expect(await gateway.count("stateDamaged", { channel })).toBeGreaterThan(0);
      expect(gateway.failures).toContain("state");
      // Another market of the same request is served, and this one ends.
      const both = { ...request, marketId: ["sound", marketId] };
      expect(await client.ask("subscribe", both)).toMatchObject({ ids: { sound: "0-0" } });
      expect(client.errors.at(-1)).toMatchObject({ code: "unavailable", channel, marketId });

      const last = sized(2);
      const id = await publish(last);
      expect(await client.ask("subscribe", request)).toMatchObject({ id });
      await isLevel(client, id);
      expect(receive(client)).toMatchObject({ mismatches: 0, state: { value: last } });
    },
  );

  it("is no trouble for those who have it, as long as every entry arrives", async () => {
    const publisher = redis.addPublisher();
    await publish(sized(1), publisher);
    const client = await subscribe();
    await redis.commands.hset(stateKey(stream()), "no.bids.0.1", '12:"7"');
    const last = sized(2);
    const id = await publish(last, publisher);
    await isLevel(client, id);
    const late = await subscribe();
    await isLevel(late, id);
    for (const each of [client, late]) expect(receive(each)).toMatchObject({ mismatches: 0, state: { value: last } });
  });

  it("ends the subscriptions that it cannot prove any more, as unavailable", async () => {
    const publisher = redis.addPublisher();
    await publish(sized(1), publisher);
    const [client, all] = [await subscribe(), (await gateway.connect()).client];
    await all.ask("subscribe", { channel, changes: true });
    gateway.pubSub.fault = () => undefined;
    await publish(sized(2), publisher);
    await publish(sized(3), publisher);
    // The entries between are gone, and the value is another one.
    await redis.commands.xtrim(streamKey(stream()), "MAXLEN", 1);
    await redis.commands.hset(stateKey(stream()), "no.bids.0.1", '12:"7"');
    await gateway.hub.repairAll();
    await expect.poll(() => client.errors).toMatchObject([{ code: "unavailable", channel, marketId }]);
    expect(all.errors).toEqual([]);

    gateway.pubSub.fault = (body, pass) => pass(body);
    const last = sized(4);
    const id = await publish(last);
    await expect.poll(() => all.messages.at(-1)?.id).toBe(id);
    expect(await client.ask("subscribe", { channel, marketId, changes: true })).toMatchObject({ id });
    await isLevel(client, id);
    expect(receive(client)).toMatchObject({ mismatches: 0, state: { value: last } });
  });
});

describe("a slow consumer of changes", () => {
  interface Readable {
    pause(): void;
    resume(): void;
  }
  const tcpOf = ({ socket }: TestClient): Readable =>
    (socket.io.engine.transport as unknown as { ws: { _socket: Readable } }).ws._socket;

  it("gets what waited for it composed into one message, with the chain whole", async () => {
    const publisher = redis.addPublisher();
    const sizes = (first: number) => Array.from({ length: 200 }, (_, index) => (index < 90 ? first + index : 1));
    await publish(book(marketId, sizes(1), sizes(1)), publisher);
    const [client, other] = [await subscribe(), await subscribe()];
    tcpOf(client).pause();
    let last = sized(1);
    let id = "";
    let count = 0;
    const publishNext = async (): Promise<void> => {
      count += 1;
      last = book(marketId, sizes(count + 1), sizes(count + 1));
      id = await publish(last, publisher);
      await isLevel(other, id);
    };
    // The kernel takes much before anything waits.
    while (gateway.fanOut.waitingClients === 0) await publishNext();
    for (let more = 0; more < 20; more += 1) await publishNext();
    expect(await gateway.count("replaced")).toBeGreaterThan(0);
    tcpOf(client).resume();
    await isLevel(client, id);
    await isLevel(other, id);
    expect(client.messages.length).toBeLessThan(other.messages.length);
    for (const each of [client, other]) {
      expect(receive(each)).toMatchObject({ mismatches: 0, gaps: 0, repeats: 0, state: { value: last } });
    }
  });
});
