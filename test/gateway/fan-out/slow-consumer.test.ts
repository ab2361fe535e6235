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

  it("is cut off at the limit of what may wait for it, and nobody else misses anything", async () => {
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

  it("skips to the newest value where only that matters, and keeps its connection", async () => {
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

describe("a gateway with a client that does not read", () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform({ gateways: 1, environment: { RT_MAX_WAITING_BYTES: "500000" } });
  });
  afterAll(() => platform.stop());

  /** Returns a notification as large as they come, 13 KB: each of these characters takes six bytes in JSON. */
  function notification(number: number): ChannelMessage {
    const small = message("user:notifications", "slow", number);
    return { ...small, data: { ...small.data, body: "\u0001".repeat(2_000) } } as ChannelMessage;
  }

  async function slowConsumers(): Promise<string | undefined> {
    const text = await (await fetch(`${platform.gateways[0]?.url}/metrics`)).text();
    return /^rt_slow_consumers_total (\d+)$/m.exec(text)?.[1];
  }

  it("closes its connection, says why, and lets it resume without a hole", async () => {
    const client = await platform.connect({ user: "slow" });
    await client.ask("subscribe", { channel: "user:notifications", lastId: "0-0" });
    const ids = await platform.publish([notification(1)]);
    await client.waitForMessages("user:notifications", 1);
    connectionOf(client).pause();
    while ((await slowConsumers()) !== "1") ids.push(...(await platform.publish([notification(ids.length + 1)])));
    const reconnected = new Promise((resolve) => client.socket.io.once("reconnect", resolve));
    connectionOf(client).resume();
    await reconnected;
    const lastId = client.ids("user:notifications").at(-1);
    const answer = await client.ask("subscribe", { channel: "user:notifications", lastId });
    expect(answer).toMatchObject({ recovered: true, id: ids.at(-1) });
    await expect.poll(() => client.ids("user:notifications")).toEqual(ids);
  });
});
