import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { message, messages } from "../support/messages.ts";

/** How long what is asked for again may take on a busy machine, in ms. */
const WIDE = { timeout: 50_000 };

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge.stop());
afterEach(() => {
  Object.assign(edge.faults, noFaults());
});

const table = () => openTable(String(process.env.RT_EDGE_TABLE));

const newestId = (): string => edge.api.connectionIds().at(-1) ?? "";

const isAnswer = (body: string): boolean => body.includes('"subscribed"');

/** Nothing that answers a request comes after its answer. */
function expectOneAnswer(client: EdgeClient): void {
  const answered = client.frames.flatMap(({ id }) => (id === undefined ? [] : [id]));
  expect(answered).toEqual([...new Set(answered)]);
}

/** Whether a client was told that its subscription has ended, or lost its connection. */
const isTold = ({ errors, closeCode }: EdgeClient, market: string): boolean =>
  closeCode !== undefined || errors.some(({ channel, marketId }) => channel === "market:trades" && marketId === market);

/** A message reaches the client, or it was told that none will. */
async function expectLiveOrTold(client: EdgeClient, market: string): Promise<void> {
  const [id] = await edge.publish(messages("market:trades", market, 1, 1_000));
  await expect.poll(() => client.ids("market:trades").includes(String(id)) || isTold(client, market), WIDE).toBe(true);
}

/** Lets a fan-out pass the listener by while its answer is on the way, and then does as it is told. */
function passBy(market: string, then: () => void): void {
  let isFirst = true;
  edge.faults.post = async (connectionId, body) => {
    if (!isAnswer(body) || !isFirst) return undefined;
    isFirst = false;
    await edge.publish(messages("market:trades", market, 1, 500));
    const stream = { channel: "market:trades", key: market } as const;
    await expect.poll(async () => (await table().listeners.find(connectionId, stream))?.skips, WIDE).toBe(1);
    then();
    return undefined;
  };
}

describe("after `subscribed` has left", () => {
  it("Redis stands still for 2.6 s: all go live, or are told", async () => {
    for (let number = 0; number < 4; number += 1) {
      const market = `still-${number}`;
      const client = await edge.connect();
      passBy(market, () => {
        edge.redis.process.kill("SIGSTOP");
        setTimeout(() => edge.redis.process.kill("SIGCONT"), 2_600);
      });

      const answer = await client.ask("subscribe", { channel: "market:trades", marketId: market });
      await delay(2_700);

      expect(answer).toHaveProperty("id");
      await expectLiveOrTold(client, market);
      expectOneAnswer(client);
      expect(client.errors).toEqual([]);
    }
  }, 120_000);

  it("a stream that passes by for twenty rounds: goes live all the same, and what is missing shows", async () => {
    const client = await edge.connect();
    const { listeners } = table();
    const stream = { channel: "market:trades", key: "restless" } as const;
    let rounds = 0;
    const passing: Promise<void>[] = [];
    edge.faults.post = async (id, body) => {
      const listener = isAnswer(body) ? await listeners.find(id, stream) : undefined;
      if (!listener) return undefined;
      // Each of them until it is live, or gone.
      const pass = async (): Promise<void> => {
        while (await listeners.skip(listener, stream)) rounds += 1;
      };
      for (let number = 1; number <= 4; number += 1) passing.push(pass());
      await expect.poll(() => rounds, WIDE).toBeGreaterThan(4);
      return undefined;
    };

    await client.ask("subscribe", { channel: "market:trades", marketId: "restless" });
    await Promise.all(passing);

    expect(rounds).toBeGreaterThan(20);
    await expectLiveOrTold(client, "restless");
    expect(client.errors).toEqual([]);
  });

  it("the table refuses to let it go live: it is told without the request's id, and asks again", async () => {
    const client = await edge.connect();
    edge.faults.post = (_id, body) => {
      if (isAnswer(body)) edge.faults.table = (operation) => (operation === "UpdateItem" ? "failed" : undefined);
      return undefined;
    };
    const request = { channel: "market:trades", marketId: "refused" };

    await client.ask("subscribe", request);
    await expect.poll(() => isTold(client, "refused"), WIDE).toBe(true);

    expectOneAnswer(client);
    expect(client.errors).toMatchObject([{ code: "unavailable", ...request }]);
    Object.assign(edge.faults, noFaults());
    await client.ask("subscribe", request);
    const [id] = await edge.publish(messages("market:trades", "refused", 1));
    await expect.poll(() => client.ids("market:trades")).toEqual([id]);
  });

  it("the table does nothing at all: the connection is closed", async () => {
    const client = await edge.connect();
    edge.faults.post = (_id, body) => {
      if (isAnswer(body)) edge.faults.table = () => "failed";
      return undefined;
    };

    await client.ask("subscribe", { channel: "market:trades", marketId: "nothing" });
    await expect.poll(() => client.closeCode, WIDE).toBe(1_000);

    expectOneAnswer(client);
  });

  it("what came meanwhile cannot be posted: the connection is closed", async () => {
    const client = await edge.connect();
    passBy("unposted", () => {
      edge.faults.post = () => "failed";
    });

    await client.ask("subscribe", { channel: "market:trades", marketId: "unposted" });
    await expect.poll(() => client.closeCode, WIDE).toBe(1_000);

    expectOneAnswer(client);
  });
});

it("an answer of which nobody knows whether it has arrived is not followed by a refusal", async () => {
  const client = await edge.connect();
  edge.faults.post = (_id, body) => (isAnswer(body) ? "unanswered" : undefined);

  await client.ask("subscribe", { channel: "market:trades", marketId: "unanswered" });
  await expect.poll(() => client.closeCode, WIDE).toBe(1_000);

  expect(client.errors).toEqual([]);
});

it("before the answer has left a request is refused, and all is as before", async () => {
  const client = await edge.connect();
  const id = newestId();
  await client.ask("subscribe", { channel: "market:trades", marketId: "retained" });
  edge.faults.table = (operation) => (operation === "BatchWriteItem" ? "failed" : undefined);
  const asking = client.ask("subscribe", { channel: "market:trades", marketId: "never" });
  await delay(1_000);
  Object.assign(edge.faults, noFaults());

  expect(await asking).toMatchObject({ code: "unavailable", marketId: "never" });
  const state = await table().connections.find(id);
  expect([...(state?.subscriptions.keys() ?? [])]).toEqual(["{market:trades}:retained"]);
  await expectLiveOrTold(client, "retained");
  expect(client.closeCode).toBeUndefined();
});

describe("a heartbeat", () => {
  const beats = (client: EdgeClient) =>
    client.frames.flatMap((frame) => (frame.event === "heartbeat" ? [frame.data] : []));

  it("names what has been delivered of a stream that moves", async () => {
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "moving" });
    await client.ask("subscribe", { channel: "market:prices" });
    const [trade, price] = await edge.publish([
      message("market:trades", "moving", 1),
      message("market:prices", "moving", 1),
    ]);
    await expect.poll(() => client.messages).toHaveLength(2);
    await expect.poll(() => edge.queue.size()).toBe(0);

    await client.ask("ping");

    await expect.poll(() => beats(client)).toHaveLength(2);
    expect(beats(client)).toEqual(
      expect.arrayContaining([
        { channel: "market:trades", marketId: "moving", id: trade },
        { channel: "market:prices", ids: { moving: price } },
      ]),
    );
  });

  it("names nothing that is on its way, and what was published while publishers thought that nobody listens", async () => {
    const client = await edge.connect();
    const answer = await client.ask("subscribe", { channel: "market:trades", marketId: "held-back" });
    const held: (() => void)[] = [];
    edge.faults.fanOut = async (event, run) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return run(event);
    };
    await edge.publish(messages("market:trades", "held-back", 1));
    await client.ask("ping");
    await expect.poll(() => beats(client)).toHaveLength(1);
    expect(beats(client)).toMatchObject([{ marketId: "held-back", id: answer.id }]);
    await expect.poll(() => held.length).toBe(1);
    for (const release of held) release();
    edge.faults.fanOut = (event, run) => run(event);
    await expect.poll(() => client.messages).toHaveLength(1);

    await edge.commands.del("edge:{market:trades}:held-back");
    const [unheard] = await edge.publish(messages("market:trades", "held-back", 1, 2));
    await client.ask("ping");

    await expect.poll(() => beats(client)).toHaveLength(2);
    expect(beats(client)[1]).toMatchObject({ id: unheard });
  });
});
