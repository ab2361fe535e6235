import { describe, expect, it } from "vitest";
import { roomName } from "../../contract/stream.ts";
import { startHeartbeats } from "../../gateway/streams/heartbeats.ts";
import { indexKey, pubSubChannel, streamKey } from "../../kernel/streams/redis-keys.ts";
import { message } from "../support/messages.ts";
import { setUpInProcess } from "./set-up.ts";

const channel = "market:trades" as const;

const suite = setUpInProcess();

const bodyOf = (market: string, number: number) => {
  const { data } = message(channel, market, number);
  return { channel, marketId: market, data };
};

/** Writes an entry as the publish script does, but tells nobody. */
async function appendUnheard(market: string, number: number): Promise<void> {
  const body = JSON.stringify(bodyOf(market, number)).slice(0, -1);
  const key = streamKey({ channel, key: market });
  await suite.redis.commands.xadd(key, `${number}-0`, "m", body, "p", `${number - 1}-0`);
}

/** Sends something to a room as the publish script sends entries. */
const publish = (room: string, body: unknown) =>
  suite.redis.commands.call(
    "SPUBLISH",
    pubSubChannel(room),
    JSON.stringify({ data: { packet: { data: ["data", body] } } }),
  );

async function subscribe(fields: object) {
  const { client } = await suite.gateway.connect();
  const answer = await client.ask("subscribe", { channel, ...fields });
  return { client, answer, ids: () => client.of(channel).map(({ marketId, id }) => `${marketId} ${id}`) };
}

async function dropped(reason: string): Promise<number> {
  const { values } = await suite.gateway.metrics.redisDropped.get();
  return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
}

describe("what arrives for a room", () => {
  it("is dropped and counted where it is malformed, of another room, or ahead of Redis's clock", async () => {
    const { ids } = await subscribe({ marketId: "guarded" });
    const room = roomName({ channel, key: "guarded" });
    const ahead = Date.now() + 86_400_000;
    await publish(room, { ...bodyOf("guarded", 1), id: "one", prev: "0-0" });
    await publish(room, { ...bodyOf("other", 1), id: "1-0", prev: "0-0" });
    await publish(room, { ...bodyOf("guarded", 1), id: `${ahead}-0`, prev: "0-0" });
    await publish(room, { ...bodyOf("guarded", 1), id: "1-0", prev: "0-0" });
    await expect.poll(ids).toEqual(["guarded 1-0"]);
    expect(await Promise.all(["malformed", "foreign_room", "id_ahead"].map(dropped))).toEqual([1, 1, 1]);
  });

  it("is delivered of a market that is new in a whole channel, and nothing of its past", async () => {
    const { ids } = await subscribe({});
    const room = roomName({ channel });
    await publish(room, { ...bodyOf("newcomer", 1), id: "1-0", prev: "0-0" });
    await publish(room, { ...bodyOf("newcomer", 2), id: "2-0", prev: "1-0" });
    await expect.poll(ids).toEqual(["newcomer 1-0", "newcomer 2-0"]);
  });
});

describe("the index of a whole channel", () => {
  it("shows markets that nobody heard of, and those that have expired are forgotten", async () => {
    const { client, ids } = await subscribe({});
    const prices = await suite.gateway.connect();
    await prices.client.ask("subscribe", { channel: "market:prices", marketId: "kept" });
    const single = await subscribe({ marketId: "single" });
    await appendUnheard("unheard", 1);
    await suite.redis.commands.zadd(indexKey(channel), Date.now(), "unheard");
    await suite.gateway.hub.checkIndexes();
    await expect.poll(ids).toContain("unheard 1-0");

    // Ids of 1970 are older than what Redis holds; the next check drops all but those with a room of their own.
    await suite.gateway.hub.checkIndexes();
    const keys = [...suite.gateway.hub.states].map(({ stream }) => stream.key);
    expect(keys).not.toContain("unheard");
    expect(keys).toEqual(expect.arrayContaining(["kept", "single"]));
    for (const { socket } of [client, single.client, prices.client]) socket.disconnect();
  });
});

describe("the check of a stream", () => {
  it("renews a subscription that Redis has lost, where it finds what did not arrive", async () => {
    const stream = { channel: "market:prices", key: "renewed" } as const;
    const { client } = await suite.gateway.connect();
    await client.ask("subscribe", { channel: stream.channel, marketId: stream.key });
    const state = suite.gateway.hub.stateOf(stream);
    if (!state) throw new Error("the stream is not open");
    await suite.redis.commands.config("RESETSTAT");
    const subscribes = async () =>
      Number(/cmdstat_ssubscribe:calls=(\d+)/.exec(await suite.redis.commands.info("commandstats"))?.[1] ?? 0);
    expect([await suite.gateway.hub.check(state), await subscribes()]).toEqual([true, 0]);

    const { data } = message(stream.channel, stream.key, 1);
    const body = JSON.stringify({ channel: stream.channel, marketId: stream.key, data }).slice(0, -1);
    await suite.redis.commands.xadd(streamKey(stream), "1-0", "m", body, "p", "0-0");
    expect(await suite.gateway.hub.check(state)).toBe(true);
    await expect.poll(() => client.ids(stream.channel)).toEqual(["1-0"]);
    await expect.poll(subscribes).toBe(1);
  });
});

describe("heartbeats of a whole channel", () => {
  it("name the markets that moved since the one before, and no other", async () => {
    const { client } = await subscribe({});
    const publisher = suite.redis.addPublisher();
    const ids: Record<string, string[]> = { moved: [], still: [] };
    const publishTo = async (market: string, number: number): Promise<void> => {
      const [outcome] = await publisher.publish([message(channel, market, number)]);
      if (outcome?.status === "published") ids[market]?.push(outcome.id);
    };
    for (const market of ["moved", "still"]) await publishTo(market, 1);
    await client.waitForMessages(channel, 2);
    const { hub, fanOut, pubSub } = suite.gateway;
    const heartbeats = startHeartbeats({ hub, fanOut, pubSub, intervalMs: 20, onError: () => undefined });
    const named = (market: string) => client.heartbeats.flatMap(({ ids = {} }) => ids[market] ?? []);
    for (const market of ["moved", "still"]) await expect.poll(() => named(market)).toEqual(ids[market]);
    const quiet = client.heartbeats.length;
    await expect.poll(() => client.heartbeats.length).toBeGreaterThan(quiet + 2);
    await publishTo("moved", 2);
    await expect.poll(() => named("moved")).toEqual(ids.moved);
    expect(named("still")).toEqual(ids.still);
    heartbeats.stop();
  });
});

describe("a reconnection to Redis", () => {
  it("is followed by a repair of every stream", async () => {
    const { ids } = await subscribe({ marketId: "reconnected" });
    const { hub, fanOut, pubSub } = suite.gateway;
    const heartbeats = startHeartbeats({ hub, fanOut, pubSub, intervalMs: 600_000, onError: () => undefined });
    await appendUnheard("reconnected", 1);
    await suite.redis.commands.call("CLIENT", "KILL", "TYPE", "PUBSUB");
    await expect.poll(ids).toEqual(["reconnected 1-0"]);
    heartbeats.stop();
  });
});
