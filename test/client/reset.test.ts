import { RealtimeClient } from "@vezta/realtime-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Channel } from "../../contract/channels.ts";
import { roomName, type Stream } from "../../contract/stream.ts";
import { pubSubChannel, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { answerPlainly, type Peer, type Request, startFrameServer } from "./frame-server.ts";
import { type Seen, watch } from "./watch.ts";

/** Ids are dated in the past, so that a gateway finds nothing wrong with them. */
const start = Date.now() - 3_600_000;
const idAt = (seconds: number): string => (seconds === 0 ? "0-0" : `${start + seconds * 1_000}-0`);

describe("a client of a gateway whose Redis loses entries, or whose clock goes back", () => {
  let platform: Platform;
  const clients: RealtimeClient[] = [];
  beforeAll(async () => {
    platform = await startPlatform({ gateways: 1 });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(() => platform.stop());

  const connect = (user?: string): RealtimeClient => {
    const client = new RealtimeClient({
      url: String(platform.gateways[0]?.url),
      token: user === undefined ? null : () => platform.issuer.sign({ sub: user }),
      backoff: { minimumMs: 20, maximumMs: 200 },
    });
    clients.push(client);
    return client;
  };
  const untilLive = (...all: readonly Seen<Channel>[]): Promise<void> =>
    expect.poll(() => all.every(({ subscription }) => subscription.status === "live")).toBe(true);

  /** Writes an entry with an id of our choice, as a Redis whose clock says so. */
  async function append(stream: Stream, seconds: number, before: number): Promise<string> {
    const { channel, key } = stream;
    const { data } = message(channel, key, seconds);
    const body = JSON.stringify({ channel, marketId: key, data }).slice(0, -1);
    const fields = ["m", body, "p", idAt(before), "v", String(seconds), "e", " "];
    return String(await platform.commands.call("XADD", streamKey(stream), idAt(seconds), ...fields));
  }

  /** Replaces what Redis holds of a stream, as a replica that had only got so much takes over. */
  async function replace(stream: Stream, seconds: readonly number[]): Promise<void> {
    await platform.commands.del(streamKey(stream));
    for (const [index, each] of seconds.entries()) await append(stream, each, seconds[index - 1] ?? 0);
  }

  it("is told of the gap and goes on, where the new entries are older than what it has", async () => {
    const stream = { channel: "market:trades", key: "failover" } as const;
    await replace(stream, [10, 20, 30, 40]);
    const seen = watch(connect(), "market:trades", { marketId: "failover", lastId: "0-0" });
    await expect.poll(seen.ids).toEqual([10, 20, 30, 40].map(idAt));
    await untilLive(seen);
    await replace(stream, [10, 20, 21]);
    await expect.poll(() => seen.gaps).toEqual([{ channel: "market:trades", marketId: "failover", after: idAt(40) }]);
    await untilLive(seen);
    await append(stream, 22, 21);
    await append(stream, 23, 22);
    await expect.poll(seen.ids).toEqual([10, 20, 30, 40, 22, 23].map(idAt));
    await untilLive(seen);
    expect(seen.statuses).toContain("resuming");
  });

  it("is told of the gap where only the newest entry is lost and nothing comes after it", async () => {
    const stream = { channel: "market:trades", key: "resting" } as const;
    await replace(stream, [10, 20, 30]);
    const seen = watch(connect(), "market:trades", { marketId: "resting", lastId: "0-0" });
    await expect.poll(seen.ids).toEqual([10, 20, 30].map(idAt));
    await untilLive(seen);
    await replace(stream, [10, 20]);
    const gap = { channel: "market:trades", marketId: "resting", after: idAt(30) };
    await expect.poll(() => seen.gaps, { timeout: 45_000 }).toEqual([gap]);
    await untilLive(seen);
    await append(stream, 21, 20);
    await expect.poll(seen.ids).toEqual([10, 20, 30, 21].map(idAt));
  });

  it("shows the value that there is now, although it is older than the one that it has, and calls that no gap", async () => {
    const stream = { channel: "market:prices", key: "failover" } as const;
    await replace(stream, [40]);
    const client = connect();
    const [seen, slow] = [{}, { maxRate: 5 }].map((rate) =>
      watch(client, "market:prices", { marketId: "failover", ...rate }),
    ) as [Seen<"market:prices">, Seen<"market:prices">];
    await expect.poll(() => [seen.ids(), slow.ids()]).toEqual([[idAt(40)], [idAt(40)]]);
    await replace(stream, [21]);
    await expect.poll(() => [seen, slow].map((each) => each.ids().at(-1))).toEqual([idAt(21), idAt(21)]);
    await untilLive(seen, slow);
    const late = watch(client, "market:prices", { marketId: "failover" });
    expect(late.ids()).toEqual([idAt(21)]);
    await append(stream, 22, 21);
    await expect.poll(() => [seen, slow, late].map((each) => each.ids().at(-1))).toEqual([22, 22, 22].map(idAt));
    expect([seen.gaps, slow.gaps]).toEqual([[], []]);
  });

  it("goes on with a stream that was deleted, on its own and as part of the whole channel", async () => {
    const stream = { channel: "market:trades", key: "deleted" } as const;
    const [first] = await platform.publish(messages("market:trades", "deleted", 1));
    const client = connect();
    const [single, whole] = [watch(client, "market:trades", { marketId: "deleted" }), watch(client, "market:trades")];
    await untilLive(single, whole);
    const [last] = await platform.publish(messages("market:trades", "deleted", 1, 2));
    await expect.poll(() => [single.ids(), whole.ids()]).toEqual([[last], [last]]);
    await platform.commands.del(streamKey(stream));
    await expect.poll(() => single.gaps.length).toBe(1);
    await untilLive(single, whole);
    await append(stream, 5, 0);
    await append(stream, 6, 5);
    await expect
      .poll(() => [single.ids(), whole.ids()])
      .toEqual([
        [last, idAt(5), idAt(6)],
        [last, idAt(5), idAt(6)],
      ]);
    await untilLive(single, whole);
    expect(first).not.toBe(last);
  });

  it("gets the real orders after a forged one with an id far ahead", async () => {
    const seen = watch(connect("forged"), "user:orders");
    await untilLive(seen);
    const ids = await platform.publish(messages("user:orders", "forged", 1));
    const stream = { channel: "user:orders", key: "forged" } as const;
    const { data } = message("user:orders", "forged", 2);
    const entry = { channel: "user:orders", data, id: "999999999999999-0", prev: ids.at(-1) };
    const packet = { type: 2, nsp: "/ws", data: ["data", entry] };
    const opts = { rooms: [roomName(stream)], except: [], flags: {} };
    const body = JSON.stringify({ uid: "forger", type: 3, data: { opts, packet } });
    await platform.commands.call("SPUBLISH", pubSubChannel(roomName(stream)), body);
    ids.push(...(await platform.publish(messages("user:orders", "forged", 5, 3))));
    await expect.poll(() => seen.gaps.length > 0 || seen.ids().length >= ids.length).toBe(true);
    await untilLive(seen);
    const more = await platform.publish(messages("user:orders", "forged", 20, 8));
    await expect.poll(() => seen.ids().slice(-20)).toEqual(more);
    await untilLive(seen);
  });

  it("takes the history that somebody else asked for, or that overlaps, for no reset", async () => {
    const requests = () => platform.gateways[0]?.metric("rt_requests_total", 'event="subscribe"');
    const old = await platform.publish(messages("market:trades", "overlap", 290));
    const client = connect();
    const [single, whole] = [watch(client, "market:trades", { marketId: "overlap" }), watch(client, "market:trades")];
    await untilLive(single, whole);
    const [last] = await platform.publish(messages("market:trades", "overlap", 1, 291));
    await expect.poll(() => [single.ids(), whole.ids()]).toEqual([[last], [last]]);
    const before = Number(await requests());
    const all = watch(client, "market:trades", { marketId: "overlap", lastId: "0-0" });
    await expect.poll(all.ids).toEqual([...old, last]);
    await untilLive(all);
    const held = new Map<string, string>();
    const everything = watch(client, "market:trades", { lastId: "0-0" });
    await expect.poll(() => everything.messages.filter(({ marketId }) => marketId === "overlap").length).toBe(291);
    for (const { marketId = "", id } of everything.messages) held.set(marketId, id);
    expect([held.get("overlap"), single.ids(), whole.ids()]).toEqual([last, [last], [last]]);
    expect([single.statuses, whole.statuses]).toEqual([["live"], ["live"]]);
    expect(Number(await requests()) - before).toBe(2);
  });
});

describe("a client that is sent something older than what it has", () => {
  const channel = "market:trades";
  const data = (number: number, prev = number - 1) => ({
    ...{ channel, marketId: "m", data: { number } },
    ...{ id: `${number}-0`, prev: `${prev}-0` },
  });

  /** Answers resumes as a service whose newest entry is `top`. */
  async function startService() {
    const state = { top: 20, isReset: false };
    const asked: number[] = [];
    const server = await startFrameServer((peer, request) => {
      if (request.event !== "subscribe") return answerPlainly(peer, request);
      asked.push(Date.now());
      const recovered = request.data.lastId === undefined ? {} : { recovered: !state.isReset };
      peer.send("subscribed", { channel, marketId: "m", id: `${state.top}-0`, ...recovered }, request.id);
    });
    const client = new RealtimeClient({ url: server.url });
    const seen = watch(client, channel, { marketId: "m", lastId: "20-0" });
    await expect.poll(() => seen.subscription.status).toBe("live");
    const peer = server.peers[0] as Peer;
    const stop = async (): Promise<void> => {
      client.close();
      await server.stop();
    };
    return { state, asked, server, seen, peer, stop };
  }
  const lastIds = (requests: readonly Request[]) => requests.map(({ data: { lastId } }) => lastId);

  it("drops what it remembers, asks about what it does not know, and shows nothing until the answer", async () => {
    const { state, asked, server, seen, peer, stop } = await startService();
    peer.send("data", data(21));
    peer.send("data", data(22));
    peer.send("data", data(21));
    peer.send("heartbeat", { channel, marketId: "m", id: "20-0" });
    peer.send("heartbeat", { channel, marketId: "m", id: "21-0" });
    await expect.poll(seen.ids).toEqual(["21-0", "22-0"]);
    Object.assign(state, { top: 11, isReset: true });
    peer.send("data", data(10));
    peer.send("data", data(11));
    peer.send("data", data(23, 22));
    await expect.poll(() => seen.statuses).toEqual(["live", "resuming", "live"]);
    expect(seen.gaps).toEqual([{ channel, marketId: "m", after: "22-0" }]);
    expect(lastIds(server.requestsOf("subscribe"))).toEqual(["20-0", "22-0"]);
    expect(Number(asked[1]) - Number(asked[0])).toBeGreaterThanOrEqual(990);
    for (const number of [10, 11, 12, 13]) peer.send("data", data(number));
    await expect.poll(seen.ids).toEqual(["21-0", "22-0", "12-0", "13-0"]);
    expect(server.requestsOf("subscribe")).toHaveLength(2);
    await stop();
  });

  it("stays where it is when the service says that nothing is missing", async () => {
    const { server, seen, peer, stop } = await startService();
    peer.send("heartbeat", { channel, marketId: "m", id: "3-0" });
    await expect.poll(() => seen.statuses).toEqual(["live", "resuming", "live"]);
    peer.send("data", data(21));
    await expect.poll(seen.ids).toEqual(["21-0"]);
    expect([seen.gaps, lastIds(server.requestsOf("subscribe"))]).toEqual([[], ["20-0", "20-0"]]);
    await stop();
  });
});

describe("a client that moves to another connection", () => {
  it("does not go back to an older value because the new one is behind the old one", async () => {
    const channel = "market:prices";
    const value = (number: number) => ({
      ...{ channel, marketId: "m", data: { number } },
      ...{ id: `${number}-0`, prev: `${number - 1}-0` },
    });
    /** The newest id of each answer: the first is the old connection's. */
    const tops = [20, 18, 21];
    const server = await startFrameServer((peer, request) => {
      if (request.event !== "subscribe") return answerPlainly(peer, request);
      const top = tops.shift() ?? 21;
      const recovered = request.data.lastId === undefined ? {} : { recovered: top >= 20 };
      peer.send("subscribed", { channel, marketId: "m", id: `${top}-0`, ...recovered }, request.id);
      peer.send("data", value(top));
    });
    const client = new RealtimeClient({ url: server.url });
    const seen = watch(client, channel, { marketId: "m" });
    await expect.poll(seen.ids).toEqual(["20-0"]);
    server.peers[0]?.send("drain", { reconnectIn: 0 });
    await expect.poll(seen.ids).toEqual(["20-0", "21-0"]);
    await expect.poll(() => server.peers[0]?.socket.readyState).toBe(3);
    expect([seen.statuses, server.requestsOf("subscribe").length]).toEqual([["live"], 3]);
    client.close();
    await server.stop();
  });
});
