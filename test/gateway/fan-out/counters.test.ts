import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { messages } from "../../support/messages.ts";
import { type Platform, startPlatform } from "../../support/platform.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";

const numbersOf = ({ client }: Pair, marketId: string): number[] =>
  client.messages.filter((message) => message.marketId === marketId).map(({ id }) => Number.parseInt(id, 10));

describe("the fan-out's counts", () => {
  let harness: FanOutHarness;
  const flushes: { messages: number; writes: number; bytes: number }[] = [];
  let replaced = 0;
  beforeAll(async () => {
    harness = await startFanOut({ onFlush: (flush) => flushes.push(flush), onReplaced: () => (replaced += 1) });
  });
  beforeEach(() => {
    flushes.length = 0;
    replaced = 0;
  });
  afterAll(() => harness.stop());

  const send = (room: string, number: number, replaces?: string): void =>
    harness.fanOut.send({ room }, { event: "data", message: entry(room, number), replaces });
  const total = (name: "messages" | "writes" | "bytes"): number => flushes.reduce((sum, flush) => sum + flush[name], 0);

  it("are a message for each client that gets it, a write for each client of a flush, and the bytes of the frames", async () => {
    const pairs = await Promise.all([harness.connect(), harness.connect(), harness.connect()]);
    for (const { member } of pairs) harness.fanOut.join(member, "all");
    for (const { member } of pairs.slice(0, 1)) harness.fanOut.join(member, "one");
    for (const number of [1, 2]) send("all", number);
    send("one", 1);
    for (const pair of pairs) await expect.poll(() => numbersOf(pair, "all")).toEqual([1, 2]);
    const frame = (room: string, number: number): number =>
      `4${`2/ws,["data",${JSON.stringify(entry(room, number))}]`}`.length + 4;
    const bytes = 3 * (frame("all", 1) + frame("all", 2)) + frame("one", 1);
    expect(flushes).toEqual([{ messages: 7, writes: 3, bytes, oldestId: "1-0" }]);
    send("one", 2);
    await expect
      .poll(() => flushes)
      .toEqual([expect.anything(), { messages: 1, writes: 1, bytes: frame("one", 2), oldestId: "2-0" }]);
  });

  it("count a message once that a client receives before the flush", async () => {
    const [early, other] = await Promise.all([harness.connect(), harness.connect()]);
    for (const { member } of [early, other]) harness.fanOut.join(member, "early");
    send("early", 1);
    early.socket.emit("drain", { reconnectIn: 0 });
    for (const pair of [early, other]) await expect.poll(() => numbersOf(pair, "early")).toEqual([1]);
    expect([total("messages"), total("writes")]).toEqual([2, 2]);
  });

  it("count what a rate lane delivers, and what was replaced before", async () => {
    const pair = await harness.connect();
    harness.fanOut.join(pair.member, "lane", 20);
    for (const number of [1, 2, 3]) send("lane", number, "lane");
    await expect.poll(() => numbersOf(pair, "lane")).toEqual([3]);
    expect([total("messages"), total("writes"), replaced]).toEqual([1, 1, 2]);
  });

  it("count what is replaced in a rate lane, and what a client receives when it leaves the lane", async () => {
    const pairs = await Promise.all([harness.connect(), harness.connect()]);
    const [staying, leaving] = pairs;
    for (const { member } of pairs) harness.fanOut.join(member, "slow lane", 0.001);
    send("slow lane", 1, "slow lane");
    await expect.poll(() => flushes.length).toBe(1);
    harness.fanOut.leave(leaving.member, "slow lane");
    harness.fanOut.join(leaving.member, "fence");
    send("slow lane", 2, "slow lane");
    send("fence", 1);
    await expect.poll(() => numbersOf(leaving, "fence")).toEqual([1]);
    expect([numbersOf(leaving, "slow lane"), numbersOf(staying, "slow lane")]).toEqual([[1], []]);
    expect([total("messages"), total("writes"), replaced]).toEqual([2, 2, 1]);
  });

  it("count what is replaced while it is queued for a client", async () => {
    const pair = await harness.connect();
    for (const reconnectIn of [1, 2]) pair.socket.emit("drain", { reconnectIn });
    const contents = [1, 2, 3].map((number) => ({
      ...{ event: "data" as const, message: entry("slow", number), replaces: "slow" },
    }));
    void harness.fanOut.sendTo(pair.member, contents);
    await expect.poll(() => numbersOf(pair, "slow")).toEqual([3]);
    expect(replaced).toBe(2);
  });
});

describe("a gateway's metrics", () => {
  let platform: Platform;
  beforeAll(async () => {
    // No heartbeats: they are deliveries as well.
    platform = await startPlatform({ gateways: 1, environment: { RT_HEARTBEAT_MS: "300000" } });
  });
  afterAll(() => platform.stop());

  const metrics = (): Promise<number[]> =>
    Promise.all(
      ["rt_deliveries_total", "rt_writes_total", "rt_replaced_total"].map(
        async (name) => (await platform.gateways[0]?.metric(name)) ?? Number.NaN,
      ),
    );

  it("count each delivery and write, and nothing else", async () => {
    const clients = await Promise.all([0, 1, 2].map(() => platform.connect()));
    for (const client of clients) await client.ask("subscribe", { channel: "market:trades", marketId: "counted" });
    expect(await metrics()).toEqual([0, 0, 0]);
    for (const [index, trade] of messages("market:trades", "counted", 5).entries()) {
      await platform.publish([trade]);
      for (const client of clients) await client.waitForMessages("market:trades", index + 1);
    }
    expect(await metrics()).toEqual([15, 15, 0]);
    const [watcher] = clients;
    await watcher?.ask("subscribe", { channel: "market:prices", marketId: "counted" });
    const ids = await platform.publish(messages("market:prices", "counted", 50));
    await expect.poll(() => watcher?.ids("market:prices").at(-1)).toBe(ids.at(-1));
    const received = watcher?.ids("market:prices").length ?? 0;
    const [deliveries, , replaced] = await metrics();
    expect([deliveries, replaced]).toEqual([15 + received, 50 - received]);
  });
});
