import { describe, expect, it } from "vitest";
import { HAND_OVER_AFTER_MS, PING_INTERVAL_MS } from "../../contract/managed-edge.ts";
import { openTable } from "../../lambdas/managed-edge/table/open-table.ts";
import { startTestEdge } from "../support/edge.ts";
import { message, messages } from "../support/messages.ts";

const edge = await startTestEdge();

const connections = () => openTable(String(process.env.RT_EDGE_TABLE)).connections;

const newestId = (): string => edge.api.connectionIds().at(-1) ?? "";

describe("connecting", () => {
  it.each(["protocol", "query"] as const)("accepts a token by %s", async (by) => {
    const client = await edge.connect({ user: "alice", by });
    expect(client.socket.protocol).toBe("vezta");
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ channel: "user:orders" });
  });

  it.each(["protocol", "query"] as const)("refuses an invalid or expired token by %s", async (by) => {
    const expired = await edge.issuer.sign({ sub: "alice", expiresInSeconds: -60 });
    for (const token of ["nonsense", expired]) {
      await expect(edge.connect({ token, by })).rejects.toThrow("401");
    }
  });

  it("accepts a client without a token, for the public channels", async () => {
    const client = await edge.connect();
    expect(await client.ask("subscribe", { channel: "user:orders" })).toMatchObject({ code: "unauthorized" });
    expect(await client.ask("subscribe", { channel: "market:trades" })).toMatchObject({ channel: "market:trades" });
  });
});

describe("requests", () => {
  it("answers anything that a client sends, with the id of the request", async () => {
    const client = await edge.connect();
    const sent = ["", "not json", "[]", "null", '{"event":"shout"}', '{"event":5}', '{"event":"ping","id":{}}'];
    for (const text of sent) client.socket.send(text);
    client.socket.send(JSON.stringify({ event: "shout", id: "mine" }));
    await expect.poll(() => client.errors.length).toBe(sent.length + 1);
    expect(client.errors.every(({ code }) => code === "bad_request")).toBe(true);
    expect(client.frames.filter(({ id }) => id === "mine")).toHaveLength(1);
    expect(await client.ask("ping")).toEqual({});
  });

  it("limits the subscriptions of a connection", async () => {
    const client = await edge.connect();
    for (const half of [0, 1]) {
      const marketId = Array.from({ length: 500 }, (_, index) => `bound-${half}-${index}`);
      expect(await client.ask("subscribe", { channel: "market:trades", marketId })).toHaveProperty("ids");
    }
    expect(await client.ask("subscribe", { channel: "market:trades", marketId: "one-more" })).toMatchObject({
      code: "limit_exceeded",
    });
    expect(await client.ask("unsubscribe", { channel: "market:trades", marketId: "bound-0-1" })).toHaveProperty(
      "channel",
    );
    expect(await client.ask("subscribe", { channel: "market:trades", marketId: "one-more" })).toHaveProperty("id");
  });

  it("answers a ping with a heartbeat for each of the connection's subscriptions", async () => {
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "quiet" });
    await client.ask("subscribe", { channel: "market:prices" });
    await client.ask("subscribe", { channel: "monitor:signals" });
    await client.ask("ping");
    const heartbeats = () => client.frames.flatMap((frame) => (frame.event === "heartbeat" ? [frame.data] : []));
    await expect.poll(heartbeats).toHaveLength(3);
    expect(heartbeats()).toEqual(
      expect.arrayContaining([
        { channel: "market:trades", marketId: "quiet", id: "0-0" },
        { channel: "market:prices", ids: {} },
        { channel: "monitor:signals", id: "0-0" },
      ]),
    );
  });

  it("packs the frames of one answer into as few messages as possible", async () => {
    await edge.publish(messages("market:trades", "packed", 200));
    const client = await edge.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "packed", lastId: "0-0" });
    await expect.poll(() => client.messages.length).toBe(200);
    expect(client.posts).toBeGreaterThan(1);
    expect(client.posts).toBeLessThan(10);
  });
});

describe("the end of a connection", () => {
  it("is announced before API Gateway closes it: every answer carries a drain, and a new connection resumes", async () => {
    edge.faults.initialAgeMs = HAND_OVER_AFTER_MS + 1_000;
    const old = await edge.connect();
    const answer = await old.ask("subscribe", { channel: "market:trades", marketId: "handed" });
    await old.ask("ping");
    await expect.poll(() => old.frames.filter(({ event }) => event === "drain")).toHaveLength(2);
    const drain = old.frames.find((frame) => frame.event === "drain");
    expect(Object(drain?.data).reconnectIn).toBeLessThan(PING_INTERVAL_MS);

    edge.faults.initialAgeMs = 0;
    const [first] = await edge.publish(messages("market:trades", "handed", 1));
    await expect.poll(() => old.ids("market:trades")).toEqual([first]);
    const next = await edge.connect();
    old.close();
    const missed = await edge.publish(messages("market:trades", "handed", 3, 2));
    await next.ask("subscribe", { channel: "market:trades", marketId: "handed", lastId: first });
    const more = await edge.publish(messages("market:trades", "handed", 2, 5));
    await expect.poll(() => next.ids("market:trades")).toEqual([...missed, ...more]);
    expect(answer).toHaveProperty("id");
    await next.ask("ping");
    expect(next.frames.some(({ event }) => event === "drain")).toBe(false);
  });

  it("removes its rows, by $disconnect", async () => {
    const client = await edge.connect({ user: "leaver" });
    const id = newestId();
    await client.ask("subscribe", { channel: "user:orders" });
    expect((await connections().find(id))?.subscriptions.size).toBe(1);
    client.close();
    await expect.poll(() => connections().find(id)).toBeUndefined();
  });

  it("removes its rows with the first message to it, where $disconnect never comes", async () => {
    edge.faults.hasDisconnect = false;
    const client = await edge.connect();
    const id = newestId();
    await client.ask("subscribe", { channel: "market:trades", marketId: "vanished" });
    client.socket.terminate();
    await expect.poll(() => edge.api.connectionIds()).not.toContain(id);
    expect(await connections().find(id)).toBeDefined();
    let posts = 0;
    edge.faults.post = (connectionId) => {
      posts += connectionId === id ? 1 : 0;
      return undefined;
    };
    await edge.publish(messages("market:trades", "vanished", 1));
    await expect.poll(() => connections().find(id)).toBeUndefined();
    await edge.publish(messages("market:trades", "vanished", 1, 2));
    await expect.poll(() => edge.queue.size()).toBe(0);
    expect(posts).toBe(1);
  });

  it("leaves a newer connection of the same id alone, when $disconnect comes late", async () => {
    const client = await edge.connect();
    const id = newestId();
    await client.ask("subscribe", { channel: "market:trades", marketId: "late" });
    const state = await connections().find(id);
    const late = { eventType: "DISCONNECT", connectionId: id, connectedAt: Number(state?.connectedAt) - 1 };
    await edge.invoke("connection", { requestContext: late });
    expect((await connections().find(id))?.subscriptions.size).toBe(1);
    const [published] = await edge.publish([message("market:trades", "late", 1)]);
    await expect.poll(() => client.ids("market:trades")).toEqual([published]);
  });
});
