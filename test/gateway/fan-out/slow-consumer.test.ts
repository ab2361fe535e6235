import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChannelMessage } from "../../../contract/domain-events.ts";
import { message } from "../../support/messages.ts";
import { type Platform, startPlatform } from "../../support/platform.ts";
import { entry, type FanOutHarness, type Pair, startFanOut } from "./harness.ts";
import { connectionOf } from "./stalled-client.ts";

/** Length of one message here: large ones fill the kernel's buffers, some megabytes, in little time. */
const PADDING = 20_000;

const numbersOf = ({ client }: Pair): number[] => client.messages.map(({ id }) => Number.parseInt(id, 10));

describe("a client that does not read", () => {
  let harness: FanOutHarness;
  let replaced = 0;
  beforeAll(async () => {
    harness = await startFanOut({ maximumWaitingBytes: 1_000_000, onReplaced: () => (replaced += 1) });
  });
  afterAll(() => harness.stop());

  it("is disconnected at its send buffer limit, and no other client misses anything", async () => {
    const [stalled, reading] = await Promise.all([harness.connect(), harness.connect()]);
    for (const { member } of [stalled, reading]) harness.fanOut.join(member, "trades");
    connectionOf(stalled.client).pause();
    let sent = 0;
    while (!stalled.hasOverflowed) {
      sent += 1;
      harness.fanOut.send({ room: "trades" }, { event: "data", message: entry("trades", sent, PADDING) });
      if (sent % 10 === 0) await expect.poll(() => numbersOf(reading).length).toBe(sent);
    }
    await expect.poll(() => numbersOf(reading).length).toBe(sent);
    expect(numbersOf(reading)).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
    harness.fanOut.disconnect(stalled.member);
    connectionOf(stalled.client).resume();
    await expect.poll(() => harness.fanOut.waitingClients).toBe(0);
  });

  it("receives only the newest values of `latest` channels, and keeps its connection", async () => {
    const stalled = await harness.connect();
    harness.fanOut.join(stalled.member, "prices");
    connectionOf(stalled.client).pause();
    replaced = 0;
    let sent = 0;
    while (replaced < 500) {
      sent += 1;
      const content = { event: "data", message: entry("prices", sent, PADDING), replaces: "prices" } as const;
      harness.fanOut.send({ room: "prices" }, content);
      await nextTurn();
    }
    connectionOf(stalled.client).resume();
    await expect.poll(() => numbersOf(stalled).at(-1)).toBe(sent);
    expect(stalled.hasOverflowed).toBe(false);
    expect(numbersOf(stalled).length).toBeLessThan(sent);
    const { messages } = stalled.client;
    for (const [index, { prev }] of messages.entries()) expect(prev).toBe(messages[index - 1]?.id ?? "0-0");
  });
});

/** A channel that delivers every message. */
const CHANNEL = "user:notifications";

describe("a gateway with a client that does not read", () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform({ gateways: 1, environment: { RT_MAX_WAITING_BYTES: "250000" } });
  });
  afterAll(() => platform.stop());

  /** Returns a notification as large as they come. */
  function notification(number: number): ChannelMessage {
    const small = message(CHANNEL, "slow", number);
    return { ...small, data: { ...small.data, body: "€".repeat(2_000) } } as ChannelMessage;
  }

  const slowConsumers = () => platform.gateways[0]?.metric("rt_slow_consumers_total");

  it("closes its connection with the reason, and lets it resume without missing messages", async () => {
    // Compressed, thousands of notifications would fit the kernel's buffers.
    const client = await platform.connect({ user: "slow", perMessageDeflate: false } as never);
    await client.ask("subscribe", { channel: CHANNEL, lastId: "0-0" });
    const ids = await platform.publish([notification(1)]);
    await client.waitForMessages(CHANNEL, 1);
    connectionOf(client).pause();
    while ((await slowConsumers()) !== 1) ids.push(...(await platform.publish([notification(ids.length + 1)])));
    const reconnected = new Promise((resolve) => client.socket.io.once("reconnect", resolve));
    connectionOf(client).resume();
    await reconnected;
    const lastId = client.ids(CHANNEL).at(-1);
    const answer = await client.ask("subscribe", { channel: CHANNEL, lastId });
    expect(answer).toMatchObject({ recovered: true, id: ids.at(-1) });
    await expect.poll(() => client.ids(CHANNEL)).toEqual(ids);
  });
});
