import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { noFaults } from "../../local/managed-edge/edge-faults.ts";
import { startTestEdge } from "../support/edge.ts";
import type { EdgeClient } from "../support/edge-client.ts";
import { message, messages } from "../support/messages.ts";

const edge = await startTestEdge();

const table = () => openTable(String(process.env.RT_EDGE_TABLE));

const newestId = (): string => edge.api.connectionIds().at(-1) ?? "";

const isAnswer = (body: string): boolean => body.includes('"subscribed"');

/** Expects at most one answer to each request. */
function expectOneAnswer(client: EdgeClient): void {
  const answered = client.frames.flatMap(({ id }) => (id === undefined ? [] : [id]));
  expect(answered).toEqual([...new Set(answered)]);
}

/** True where a client got the end of its subscription, or lost its connection. */
const hasEnded = ({ errors, closeCode }: EdgeClient, market: string): boolean =>
  closeCode !== undefined || errors.some(({ channel, marketId }) => channel === "market:trades" && marketId === market);

/** Expects that a message reaches the client, or that its subscription has ended. */
async function expectLiveOrEnded(client: EdgeClient, market: string): Promise<void> {
  const [id] = await edge.publish(messages("market:trades", market, 1, 1_000));
  await expect.poll(() => client.ids("market:trades").includes(String(id)) || hasEnded(client, market)).toBe(true);
}

/** Makes a fan-out skip the subscriber while its answer is being posted, and then calls `then`. */
function skipOnce(market: string, then: () => void): void {
  let isFirst = true;
  edge.faults.post = async (connectionId, body) => {
    if (!isAnswer(body) || !isFirst) return undefined;
    isFirst = false;
    await edge.publish(messages("market:trades", market, 1, 500));
    const stream = { channel: "market:trades", key: market } as const;
    await expect.poll(async () => (await table().subscribers.find(connectionId, stream))?.skippedFanOuts).toBe(1);
    then();
    return undefined;
  };
}

describe("after `subscribed` was sent", () => {
  it("every subscriber goes live, or is told that its subscription ended, although Redis pauses for 2.6 s", async () => {
    for (let number = 0; number < 4; number += 1) {
      const market = `still-${number}`;
      const client = await edge.connect();
      skipOnce(market, () => {
        edge.redis.process.kill("SIGSTOP");
        setTimeout(() => edge.redis.process.kill("SIGCONT"), 2_600);
      });

      const answer = await client.ask("subscribe", { channel: "market:trades", marketId: market });
      await delay(2_700);

      expect(answer).toHaveProperty("id");
      await expectLiveOrEnded(client, market);
      expectOneAnswer(client);
      expect(client.errors).toEqual([]);
    }
  });

  it("a subscriber that fan-outs keep skipping goes live after 20 rounds, with what it missed visible in `prev`", async () => {
    const client = await edge.connect();
    const { subscribers } = table();
    const stream = { channel: "market:trades", key: "restless" } as const;
    let rounds = 0;
    const skipping: Promise<void>[] = [];
    edge.faults.post = async (id, body) => {
      const subscriber = isAnswer(body) ? await subscribers.find(id, stream) : undefined;
      if (!subscriber) return undefined;
      // Until the subscriber is live, or gone.
      const skipAll = async (): Promise<void> => {
        while (await subscribers.skip(subscriber, stream)) rounds += 1;
      };
      for (let number = 1; number <= 4; number += 1) skipping.push(skipAll());
      await expect.poll(() => rounds).toBeGreaterThan(4);
      return undefined;
    };

    await client.ask("subscribe", { channel: "market:trades", marketId: "restless" });
    await Promise.all(skipping);

    expect(rounds).toBeGreaterThan(20);
    await expectLiveOrEnded(client, "restless");
    expect(client.errors).toEqual([]);
  });

  it("a subscriber that the table does not let go live gets the end without the request's id, and may subscribe again", async () => {
    const client = await edge.connect();
    edge.faults.post = (_id, body) => {
      if (isAnswer(body)) edge.faults.table = (operation) => (operation === "UpdateItem" ? "failed" : undefined);
      return undefined;
    };
    const request = { channel: "market:trades", marketId: "refused" };

    await client.ask("subscribe", request);
    await expect.poll(() => hasEnded(client, "refused")).toBe(true);

    expectOneAnswer(client);
    expect(client.errors).toMatchObject([{ code: "unavailable", ...request }]);
    Object.assign(edge.faults, noFaults());
    await client.ask("subscribe", request);
    const [id] = await edge.publish(messages("market:trades", "refused", 1));
    await expect.poll(() => client.ids("market:trades")).toEqual([id]);
  });

  it("the connection is closed where the table fails altogether", async () => {
    const client = await edge.connect();
    edge.faults.post = (_id, body) => {
      if (isAnswer(body)) edge.faults.table = () => "failed";
      return undefined;
    };

    await client.ask("subscribe", { channel: "market:trades", marketId: "nothing" });
    await expect.poll(() => client.closeCode).toBe(1_000);

    expectOneAnswer(client);
  });

  it("the connection is closed where the messages that came meanwhile cannot be posted", async () => {
    const client = await edge.connect();
    skipOnce("unposted", () => {
      edge.faults.post = () => "failed";
    });

    await client.ask("subscribe", { channel: "market:trades", marketId: "unposted" });
    await expect.poll(() => client.closeCode).toBe(1_000);

    expectOneAnswer(client);
  });
});

it("an answer that may have arrived is not followed by a refusal", async () => {
  const client = await edge.connect();
  edge.faults.post = (_id, body) => (isAnswer(body) ? "unanswered" : undefined);

  await client.ask("subscribe", { channel: "market:trades", marketId: "unanswered" });
  await expect.poll(() => client.closeCode).toBe(1_000);

  expect(client.errors).toEqual([]);
});

it("a request that fails before its answer is refused, and the other subscriptions go on", async () => {
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
  await expectLiveOrEnded(client, "retained");
  expect(client.closeCode).toBeUndefined();
});

describe("a heartbeat", () => {
  const heartbeats = (client: EdgeClient) =>
    client.frames.flatMap((frame) => (frame.event === "heartbeat" ? [frame.data] : []));

  it("names the newest delivered id of a moving stream", async () => {
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

    await expect.poll(() => heartbeats(client)).toHaveLength(2);
    expect(heartbeats(client)).toEqual(
      expect.arrayContaining([
        { channel: "market:trades", marketId: "moving", id: trade },
        { channel: "market:prices", ids: { moving: price } },
      ]),
    );
  });

  it("names no id that is still in the queue, and the newest one where the room was not marked", async () => {
    const client = await edge.connect();
    const answer = await client.ask("subscribe", { channel: "market:trades", marketId: "held-back" });
    const held: (() => void)[] = [];
    edge.faults.fanOut = async (event, run) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return run(event);
    };
    await edge.publish(messages("market:trades", "held-back", 1));
    await client.ask("ping");
    await expect.poll(() => heartbeats(client)).toHaveLength(1);
    expect(heartbeats(client)).toMatchObject([{ marketId: "held-back", id: answer.id }]);
    await expect.poll(() => held.length).toBe(1);
    for (const release of held) release();
    edge.faults.fanOut = (event, run) => run(event);
    await expect.poll(() => client.messages).toHaveLength(1);

    await edge.commands.del("edge:{market:trades}:held-back");
    const [unhinted] = await edge.publish(messages("market:trades", "held-back", 1, 2));
    await client.ask("ping");

    await expect.poll(() => heartbeats(client)).toHaveLength(2);
    expect(heartbeats(client)[1]).toMatchObject({ id: unhinted });
  });
});
