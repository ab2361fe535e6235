import { describe, expect, it } from "vitest";
import { roomName, type Stream } from "../../contract/stream.ts";
import { pubSubChannel, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages } from "../support/messages.ts";
import { answerPlainly, type Peer, type Request, startFrameServer } from "./frame-server.ts";
import { setUpClients, setUpGateway, untilLive } from "./set-up.ts";
import { type Seen, watch } from "./watch.ts";

/** Ids with a time in the past, which a gateway accepts. */
const start = Date.now() - 3_600_000;
const idAt = (seconds: number): string => (seconds === 0 ? "0-0" : `${start + seconds * 1_000}-0`);

describe("a client of a gateway whose Redis loses entries, or whose clock goes back", () => {
  const gateway = setUpGateway();
  const { connect } = gateway;

  /** Appends an entry with a given id, as a Redis with another clock would. */
  async function append(stream: Stream, seconds: number, before: number): Promise<string> {
    const { channel, key } = stream;
    const { data } = message(channel, key, seconds);
    const body = JSON.stringify({ channel, marketId: key, data }).slice(0, -1);
    const fields = ["m", body, "p", idAt(before), "v", String(seconds), "e", " "];
    return String(await gateway.platform.commands.call("XADD", streamKey(stream), idAt(seconds), ...fields));
  }

  /** Replaces what Redis holds of a stream, as when a replica takes over that lacks the newest entries. */
  async function replace(stream: Stream, seconds: readonly number[]): Promise<void> {
    await gateway.platform.commands.del(streamKey(stream));
    for (const [index, each] of seconds.entries()) await append(stream, each, seconds[index - 1] ?? 0);
  }

  it("reports a gap and continues when the new entries are older than its position", async () => {
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

  it("reports a gap when only the newest entry is lost and nothing follows it", async () => {
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

  it("delivers the current value of a latest channel although it is older than its own, without a gap", async () => {
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

  it("continues with a stream that was deleted, subscribed on its own and as part of the whole channel", async () => {
    const stream = { channel: "market:trades", key: "deleted" } as const;
    const [first] = await gateway.platform.publish(messages("market:trades", "deleted", 1));
    const client = connect();
    const [single, whole] = [watch(client, "market:trades", { marketId: "deleted" }), watch(client, "market:trades")];
    await untilLive(single, whole);
    const [last] = await gateway.platform.publish(messages("market:trades", "deleted", 1, 2));
    await expect.poll(() => [single.ids(), whole.ids()]).toEqual([[last], [last]]);
    await gateway.platform.commands.del(streamKey(stream));
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

  it("receives the real orders after a forged one with an id in the future", async () => {
    const seen = watch(connect({ user: "forged" }), "user:orders");
    await untilLive(seen);
    const ids = await gateway.platform.publish(messages("user:orders", "forged", 1));
    const stream = { channel: "user:orders", key: "forged" } as const;
    const { data } = message("user:orders", "forged", 2);
    const entry = { channel: "user:orders", data, id: "999999999999999-0", prev: ids.at(-1) };
    const packet = { type: 2, nsp: "/ws", data: ["data", entry] };
    const opts = { rooms: [roomName(stream)], except: [], flags: {} };
    const body = JSON.stringify({ uid: "forger", type: 3, data: { opts, packet } });
    await gateway.platform.commands.call("SPUBLISH", pubSubChannel(roomName(stream)), body);
    ids.push(...(await gateway.platform.publish(messages("user:orders", "forged", 5, 3))));
    await expect.poll(() => seen.gaps.length > 0 || seen.ids().length >= ids.length).toBe(true);
    await untilLive(seen);
    const more = await gateway.platform.publish(messages("user:orders", "forged", 20, 8));
    await expect.poll(() => seen.ids().slice(-20)).toEqual(more);
    await untilLive(seen);
  });

  it("does not mistake history that another subscription requested, or that overlaps, for a reset", async () => {
    const requests = () => gateway.platform.gateways[0]?.metric("rt_requests_total", 'event="subscribe"');
    const old = await gateway.platform.publish(messages("market:trades", "overlap", 290));
    const client = connect();
    const [single, whole] = [watch(client, "market:trades", { marketId: "overlap" }), watch(client, "market:trades")];
    await untilLive(single, whole);
    const [last] = await gateway.platform.publish(messages("market:trades", "overlap", 1, 291));
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

describe("a client that receives something older than its position", () => {
  const create = setUpClients();
  const channel = "market:trades";
  const data = (number: number, prev = number - 1) => ({
    ...{ channel, marketId: "m", data: { number } },
    ...{ id: `${number}-0`, prev: `${prev}-0` },
  });

  /** Starts a service whose newest entry is `top`, and a client that has all of it. */
  async function startService() {
    const state = { top: 20, isReset: false };
    const server = await startFrameServer((peer, request) => {
      if (request.event !== "subscribe") return answerPlainly(peer, request);
      const recovered = request.data.lastId === undefined ? {} : { recovered: !state.isReset };
      peer.send("subscribed", { channel, marketId: "m", id: `${state.top}-0`, ...recovered }, request.id);
    });
    const client = create({ url: server.url });
    const seen = watch(client, channel, { marketId: "m", lastId: "20-0" });
    await expect.poll(() => seen.subscription.status).toBe("live");
    const peer = server.peers[0] as Peer;
    return { state, server, seen, peer, stop: () => server.stop() };
  }
  const lastIds = (requests: readonly Request[]) => requests.map(({ data: { lastId } }) => lastId);

  it("drops messages that it knows, asks about those it does not, and delivers nothing until the reply", async () => {
    const { state, server, seen, peer, stop } = await startService();
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
    for (const number of [10, 11, 12, 13]) peer.send("data", data(number));
    await expect.poll(seen.ids).toEqual(["21-0", "22-0", "12-0", "13-0"]);
    expect(server.requestsOf("subscribe")).toHaveLength(2);
    await stop();
  });

  it("keeps its position when the service replies that nothing is missing", async () => {
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
  const create = setUpClients();

  it("does not go back to an older value when the new connection is behind the old one", async () => {
    const channel = "market:prices";
    const value = (number: number) => ({
      ...{ channel, marketId: "m", data: { number } },
      ...{ id: `${number}-0`, prev: `${number - 1}-0` },
    });
    /** The newest id of each reply, the first of which is to the old connection. */
    const tops = [20, 18, 21];
    const server = await startFrameServer((peer, request) => {
      if (request.event !== "subscribe") return answerPlainly(peer, request);
      const top = tops.shift() ?? 21;
      const recovered = request.data.lastId === undefined ? {} : { recovered: top >= 20 };
      peer.send("subscribed", { channel, marketId: "m", id: `${top}-0`, ...recovered }, request.id);
      peer.send("data", value(top));
    });
    const seen = watch(create({ url: server.url }), channel, { marketId: "m" });
    await expect.poll(seen.ids).toEqual(["20-0"]);
    server.peers[0]?.send("drain", { reconnectIn: 0 });
    await expect.poll(seen.ids).toEqual(["20-0", "21-0"]);
    await expect.poll(() => server.peers[0]?.socket.readyState).toBe(3);
    expect([seen.statuses, server.requestsOf("subscribe").length]).toEqual([["live"], 3]);
    await server.stop();
  });
});
