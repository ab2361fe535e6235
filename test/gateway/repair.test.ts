import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { timeOf } from "../../contract/ids.ts";
import { streamKey } from "../../kernel/streams/redis-keys.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

const redis = (...words: (string | number)[]): Promise<unknown> => {
  const [command = "", ...values] = words;
  return platform.commands.call(String(command), ...values);
};

/** Writes an entry as the publish script does, but tells nobody: what a lost Pub/Sub message leaves behind. */
async function appendUnheard(market: string, number: number): Promise<string> {
  const { channel, data } = message("market:trades", market, number);
  const key = streamKey({ channel, key: market });
  const [top] = (await redis("XREVRANGE", key, "+", "-", "COUNT", 1)) as [string, string[]][];
  const body = JSON.stringify({ channel, marketId: market, data }).slice(0, -1);
  return String(await redis("XADD", key, "*", "m", body, "p", top?.[0] ?? "0-0"));
}

const holes = (result: string) => platform.gateways[0]?.metric("rt_holes_total", 'channel="market:trades"', result);

describe("a gap", () => {
  it("is filled before the message that reveals it", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "hole" });
    const ids = await platform.publish(messages("market:trades", "hole", 3));
    ids.push(await appendUnheard("hole", 4), await appendUnheard("hole", 5));
    ids.push(...(await platform.publish([message("market:trades", "hole", 6)])));
    await expect.poll(() => client.ids("market:trades")).toEqual(ids);
    expect(await holes("filled")).toBeGreaterThan(0);
  });

  it("is found and filled if nothing follows it", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "quiet-hole" });
    const ids = await platform.publish(messages("market:trades", "quiet-hole", 2));
    ids.push(await appendUnheard("quiet-hole", 3));
    await expect.poll(() => client.ids("market:trades")).toEqual(ids);
  });

  it("of a whole channel's new market is found by the index", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades" });
    await platform.publish([message("market:trades", "known", 1)]);
    const id = await appendUnheard("unheard-of", 1);
    await redis("ZADD", "index:{market:trades}", timeOf(id), "unheard-of");
    await expect.poll(() => client.ids("market:trades")).toContain(id);
  });

  it("left by a killed subscriber connection is filled once it is back", async () => {
    const client = await platform.connect({ user: "killed" });
    await client.ask("subscribe", { channel: "user:orders" });
    const ids: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      ids.push(...(await platform.publish(messages("user:orders", "killed", 5, ids.length + 1))));
      await redis("CLIENT", "KILL", "TYPE", "PUBSUB");
      ids.push(...(await platform.publish(messages("user:orders", "killed", 5, ids.length + 1))));
    }
    await expect.poll(() => client.ids("user:orders")).toEqual(ids);
    expect(client.socket.connected).toBe(true);
  });

  it("that Redis can no longer fill is visible in `prev`, and the remaining messages are delivered", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "lossy" });
    const [first] = await platform.publish([message("market:trades", "lossy", 1)]);
    await expect.poll(() => client.ids("market:trades")).toEqual([first]);
    const lost = await appendUnheard("lossy", 2);
    const kept = await appendUnheard("lossy", 3);
    await redis("XDEL", streamKey({ channel: "market:trades", key: "lossy" }), lost);
    const [last] = await platform.publish([message("market:trades", "lossy", 4)]);
    await expect.poll(() => client.ids("market:trades")).toEqual([first, kept, last]);
    expect(client.of("market:trades").map(({ prev }) => prev)).toEqual(["0-0", lost, kept]);
    expect(await holes("lost")).toBeGreaterThan(0);
  });

  it("costs one read, however many sockets the room has", async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => platform.connect()));
    for (const client of clients) await client.ask("subscribe", { channel: "market:trades", marketId: "shared" });
    const ids = await platform.publish(messages("market:trades", "shared", 2));
    for (const client of clients) await client.waitForMessages("market:trades", 2);
    await redis("CONFIG", "RESETSTAT");
    ids.push(await appendUnheard("shared", 3));
    ids.push(...(await platform.publish([message("market:trades", "shared", 4)])));
    for (const client of clients) await expect.poll(() => client.ids("market:trades")).toEqual(ids);
    const info = String(await redis("INFO", "commandstats"));
    const calls = Number(/cmdstat_xrange:calls=(\d+)/.exec(info)?.[1] ?? 0);
    expect(calls).toBeGreaterThan(0);
    // The repair's pages and the slow checks of the streams of the other tests: nothing near one per socket.
    expect(calls).toBeLessThan(25);
  });
});

describe("heartbeats", () => {
  it("carry the current id of a quiet stream", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "beat" });
    const [id] = await platform.publish([message("market:trades", "beat", 1)]);
    await expect.poll(() => client.heartbeats.at(-1)).toEqual({ channel: "market:trades", marketId: "beat", id });
  });

  it("stop while Redis does not answer, and come back with it", async () => {
    const client = await platform.connect();
    const failedReads = () => platform.gateways[0]?.metric("rt_redis_errors_total", 'stage="read"') ?? 0;
    await client.ask("subscribe", { channel: "monitor:signals" });
    await expect.poll(() => client.heartbeats.length).toBeGreaterThan(1);
    platform.redis.process.kill("SIGSTOP");
    try {
      await expect.poll(failedReads).toBeGreaterThan(0);
      const [failed, beats] = [await failedReads(), client.heartbeats.length];
      await expect.poll(failedReads).toBeGreaterThan(failed);
      expect(client.heartbeats.length).toBe(beats);
    } finally {
      platform.redis.process.kill("SIGCONT");
    }
    const before = client.heartbeats.length;
    await expect.poll(() => client.heartbeats.length).toBeGreaterThan(before);
  });
});
