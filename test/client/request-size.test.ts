import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import { message } from "../support/messages.ts";
import { answerPlainly, startFrameServer } from "./frame-server.ts";
import { setUpClients } from "./set-up.ts";
import { watch } from "./watch.ts";

/** The largest frame that API Gateway accepts, in bytes. */
const FRAME_LIMIT = 32 * 1_024;

const longIds = (count: number, fill: string, length: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index}-`.padEnd(length, fill));

const kinds = [
  ["77 digits", longIds(600, "7", 77)],
  ["128 letters", longIds(600, "x", 128)],
  ["128 characters of 3 bytes", longIds(400, "市", 128)],
] as const;

describe("a client of the managed edge with long market ids", () => {
  const create = setUpClients();

  it.each(kinds)(
    "sends no frame that is too large when it subscribes, resumes or unsubscribes (%s)",
    async (_, markets) => {
      const server = await startFrameServer(answerPlainly, { maxPayload: FRAME_LIMIT });
      const client = create({ url: server.url });
      const all = markets.map((marketId) => watch(client, "market:trades", { marketId }));
      const areLive = () => all.every(({ subscription }) => subscription.status === "live");
      await expect.poll(areLive).toBe(true);
      client.reconnect();
      await expect.poll(() => all.every(({ statuses }) => statuses.length === 3 && statuses[2] === "live")).toBe(true);
      for (const { subscription } of all) subscription.close();
      const named = (event: string) => server.requestsOf(event).flatMap(({ data }) => data.marketId as string[]);
      await expect.poll(() => named("unsubscribe").toSorted()).toEqual(markets.toSorted());
      expect(named("subscribe").toSorted()).toEqual([...markets, ...markets].toSorted());
      expect(server.peers.length).toBe(2);
      expect(server.requestsOf("subscribe").length).toBeLessThan(30);
      await server.stop();
    },
  );

  it("halves its requests for a service that accepts less than it should", async () => {
    const server = await startFrameServer(answerPlainly, { maxPayload: 4_096 });
    const client = create({ url: server.url });
    const all = longIds(200, "x", 100).map((marketId) => watch(client, "market:prices", { marketId }));
    await expect.poll(() => all.every(({ subscription }) => subscription.status === "live")).toBe(true);
    expect(server.peers.length).toBeLessThan(7);
    await server.stop();
  });
});

describe("a client of a whole channel with thousands of long market ids", () => {
  const create = setUpClients();

  /** Starts a service whose channel has these markets, each with the newest id in `tops`. */
  function startChannel(tops: Map<string, number>) {
    return startFrameServer(
      (peer, request) => {
        if (request.event !== "subscribe") return answerPlainly(peer, request);
        const lastId = request.data.lastId as Record<string, string> | undefined;
        const ids = Object.fromEntries([...tops].map(([market, top]) => [market, `${top}-0`]));
        const recovered = lastId ? { recovered: true } : {};
        peer.send("subscribed", { channel: "market:trades", ids, ...recovered }, request.id);
        for (const [marketId, id] of Object.entries(lastId ?? {})) {
          for (let number = Number.parseInt(id, 10) + 1; number <= Number(tops.get(marketId)); number += 1) {
            const entry = { channel: "market:trades", marketId, data: {}, id: `${number}-0`, prev: `${number - 1}-0` };
            peer.send("data", entry);
          }
        }
      },
      { maxPayload: FRAME_LIMIT },
    );
  }

  it("receives every message that it missed, through a reconnection and a planned hand-over", async () => {
    const tops = new Map(longIds(10_000, "7", 77).map((market) => [market, 5]));
    const server = await startChannel(tops);
    const client = create({ url: server.url });
    const seen = watch(client, "market:trades");
    const areLive = () => seen.subscription.status === "live";
    await expect.poll(areLive, { timeout: 600_000 }).toBe(true);
    client.pause();
    for (const market of tops.keys()) tops.set(market, 6);
    client.resume();
    await expect.poll(() => seen.messages.length, { timeout: 600_000 }).toBe(10_000);
    await expect.poll(areLive, { timeout: 600_000 }).toBe(true);
    for (const market of tops.keys()) tops.set(market, 7);
    server.peers[1]?.send("drain", { reconnectIn: 0 });
    await expect.poll(() => seen.messages.length, { timeout: 600_000 }).toBe(20_000);
    await expect.poll(areLive, { timeout: 600_000 }).toBe(true);
    expect(new Set(seen.messages.map(({ marketId, id }) => `${marketId} ${id}`)).size).toBe(20_000);
    expect([seen.gaps, seen.errors, server.peers.length]).toEqual([[], [], 3]);
    await server.stop();
  }, 2_400_000);
});

describe("a client of the real managed edge with long market ids", () => {
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge();
  });
  const create = setUpClients();
  afterAll(() => edge.stop());

  it("resumes 250 of them, and a whole channel of 362, after a reconnection", async () => {
    const [single, whole] = [longIds(250, "7", 77), longIds(362, "8", 77)];
    const trades = (markets: readonly string[], number: number): ChannelMessage[] =>
      markets.map((marketId) => message("market:trades", marketId, number));
    await edge.publish(trades([...single, ...whole], 1));
    const client = create({ url: edge.api.url });
    const all = single.map((marketId) => watch(client, "market:prices", { marketId, lastId: "0-0" }));
    const channel = watch(client, "market:trades");
    const areLive = () => [...all, channel].every(({ subscription }) => subscription.status === "live");
    await expect.poll(areLive, { timeout: 600_000 }).toBe(true);
    client.pause();
    await edge.publish(trades(whole, 2));
    client.resume();
    await expect.poll(() => channel.messages.length, { timeout: 600_000 }).toBe(362);
    await expect.poll(areLive, { timeout: 600_000 }).toBe(true);
    expect([channel.gaps, channel.errors]).toEqual([[], []]);
  }, 2_400_000);
});
