import { beforeAll, describe, expect, it } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import { compareIds } from "../../contract/ids.ts";
import type { DataMessage } from "../../contract/messages.ts";
import { startTestEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { message, messages } from "../support/messages.ts";

const edge = await startTestEdge();

/** Returns the messages that a client keeps: those newer than the last one that it has. */
function withoutDoubles(received: readonly DataMessage[]): DataMessage[] {
  const kept: DataMessage[] = [];
  for (const data of received) {
    const last = kept.at(-1);
    if (!last || compareIds(data.id, last.id) > 0) kept.push(data);
  }
  return kept;
}

/** Expects that every `prev` is the id before. */
const expectChain = (received: readonly DataMessage[]): void => {
  expect(received.slice(1).map(({ prev }) => prev)).toEqual(received.slice(0, -1).map(({ id }) => id));
};

const idle = (): Promise<void> => expect.poll(() => edge.queue.size()).toBe(0);

describe("200 connections in three rooms", () => {
  const rooms = [
    { channel: "market:trades", marketId: "alpha" },
    { channel: "market:trades", marketId: "beta" },
    { channel: "monitor:signals", marketId: undefined },
  ] as const;
  const clients: EdgeClient[] = [];

  const roomOf = (index: number) => rooms[index % rooms.length] ?? rooms[0];

  beforeAll(async () => {
    for (let start = 0; start < 200; start += 40) {
      const group = await Promise.all(Array.from({ length: 40 }, () => edge.connect()));
      await Promise.all(
        group.map((client, index) => client.askUntilAvailable("subscribe", { ...roomOf(start + index) })),
      );
      clients.push(...group);
    }
  });

  /** Publishes to the three rooms in turn. Resolves with the ids of each room. */
  async function publishRounds(count: number, first: number): Promise<string[][]> {
    const ids: string[][] = rooms.map(() => []);
    for (let number = first; number < first + count; number += 1) {
      const batch = rooms.map(({ channel, marketId }) => message(channel, marketId, number));
      for (const [index, id] of (await edge.publish(batch)).entries()) ids[index]?.push(id);
    }
    return ids;
  }

  it("receive every message once and in order if nothing fails", async () => {
    const ids = await publishRounds(30, 1);
    for (const [index, client] of clients.entries()) {
      await expect.poll(() => client.messages.length).toBe(30);
      expect(client.ids(roomOf(index).channel)).toEqual(ids[index % rooms.length]);
      expectChain(client.messages);
    }
    await idle();
    expect(clients.map(({ messages: received }) => received.length)).toEqual(clients.map(() => 30));
  });

  it("receive every message in order despite 410s, throttling, failed posts and redelivered batches", async () => {
    const before = clients.map(({ messages: received }) => received.length);
    const gone = new Set(edge.api.connectionIds().filter((_, index) => index % 20 === 7));
    let posts = 0;
    let throttled = 0;
    let batches = 0;
    let redelivered = 0;
    edge.faults.post = (connectionId) => {
      posts += 1;
      if (gone.has(connectionId)) return "gone";
      if (posts % 29 !== 0) return undefined;
      throttled += 1;
      return "throttled";
    };
    edge.faults.fanOut = async (event, run) => {
      batches += 1;
      const result = await run(event);
      // Delivered, but reported as failed: the queue redelivers the whole batch.
      if (batches % 3 !== 1) return result;
      redelivered += 1;
      throw new Error("the function timed out");
    };
    const ids = await publishRounds(30, 1_000);
    await expect.poll(() => edge.queue.size()).toBe(0);

    const lost = clients.filter((client, index) => client.messages.length === before[index]);
    expect(lost).toHaveLength(gone.size);
    for (const [index, client] of clients.entries()) {
      if (lost.includes(client)) continue;
      const received = withoutDoubles(client.messages.slice(before[index]));
      expect(received.map(({ id }) => id)).toEqual(ids[index % rooms.length]);
      expectChain(received);
    }
    expect(throttled).toBeGreaterThan(5);
    expect(redelivered).toBeGreaterThan(1);
  });
});

it("closes a connection whose posts are throttled, and continues with the others", async () => {
  const [slow, swift] = [await edge.connect(), await edge.connect()];
  const slowId = edge.api.connectionIds().at(-2);
  for (const client of [slow, swift]) await client.ask("subscribe", { channel: "market:trades", marketId: "held-up" });
  edge.faults.post = (connectionId) => (connectionId === slowId ? "throttled" : undefined);
  const ids = await edge.publish(messages("market:trades", "held-up", 3));
  await expect.poll(() => slow.closeCode).toBe(1000);
  await idle();
  const more = await edge.publish(messages("market:trades", "held-up", 2, 4));
  await expect.poll(() => withoutDoubles(swift.messages).map(({ id }) => id)).toEqual([...ids, ...more]);

  edge.faults.post = () => undefined;
  const back = await edge.connect();
  await back.ask("subscribe", { channel: "market:trades", marketId: "held-up", lastId: "0-0" });
  expect(back.ids("market:trades")).toEqual([...ids, ...more]);
});

describe("a subscription that begins while messages flow", () => {
  const cases: readonly (readonly [Channel, string, boolean])[] = [
    ["market:trades", "flow-a", false],
    ["market:trades", "flow-b", true],
    ["market:prices", "flow-c", false],
    ["market:prices", "flow-d", true],
  ];

  it.each(cases)("gets every message once: %s, %s, the whole channel: %s", async (channel, market, isWhole) => {
    let number = 1;
    const isFlowing = { value: true };
    const published: string[] = [];
    const flow = (async () => {
      while (isFlowing.value) {
        published.push(...(await edge.publish([message(channel, market, number)])));
        number += 1;
      }
    })();
    await expect.poll(() => published.length).toBeGreaterThan(10);

    const joined = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = await edge.connect();
        const answer = await client.askUntilAvailable("subscribe", {
          channel,
          ...(isWhole ? {} : { marketId: market }),
        });
        return { client, id: String(isWhole ? Object(answer.ids)[market] : answer.id) };
      }),
    );
    const count = published.length;
    await expect.poll(() => published.length).toBeGreaterThan(count + 30);
    isFlowing.value = false;
    await flow;
    await idle();

    const last = published.at(-1);
    for (const { client, id } of joined) {
      await expect.poll(() => client.messages.at(-1)?.id).toBe(last);
      const received = client.messages.filter(({ marketId }) => marketId === market);
      expectChain(received);
      const after = received.filter((data) => compareIds(data.id, id) > 0);
      if (channel === "market:trades") {
        expect(received.map((data) => data.id)).toEqual(published.slice(published.indexOf(id) + 1));
      } else expect(after[0]?.prev).toBe(id);
    }
  });

  it("keeps the order of one stream although hints of several publishers arrive out of order", async () => {
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "race" });
    const batches = Array.from({ length: 40 }, (_, index) => edge.publish(messages("market:trades", "race", 1, index)));
    const ids = (await Promise.all(batches)).flat().sort(compareIds);
    await expect.poll(() => client.messages.length).toBe(40);
    expect(client.ids("market:trades")).toEqual(ids);
    expectChain(client.messages);
  });
});
