import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMessage, named } from "../../drill/messages.ts";
import type { GatewayProcess } from "../../local/gateway.ts";
import { createFalseClock, type FalseClock } from "../support/false-clock.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const HOUR_SECONDS = 3_600;

let clock: FalseClock;
let platform: Platform;
let gateway: GatewayProcess;
beforeAll(async () => {
  clock = await createFalseClock();
  await clock.set(HOUR_SECONDS);
  platform = await startPlatform({ gateways: 0 });
  gateway = await platform.addGateway(clock.environment);
});
afterAll(async () => {
  await platform.stop();
  await clock.remove();
});

describe("the metrics of a gateway whose clock is an hour ahead of Redis", () => {
  it("measure the time from publish to write by Redis's clock", async () => {
    const client = await platform.connect();
    await client.ask("subscribe", { channel: "market:trades", marketId: "m" });
    for (let number = 1; number <= 3; number += 1) {
      await platform.publish([createMessage(named({ channel: "market:trades", key: "m" }), number)]);
      await client.waitForMessages("market:trades", number);
    }

    const [count, sum] = await Promise.all([
      gateway.metric("rt_publish_to_write_seconds_count"),
      gateway.metric("rt_publish_to_write_seconds_sum"),
    ]);
    expect(count).toBe(3);
    expect(sum).toBeLessThan(HOUR_SECONDS);
  });

  it("count subscriptions by channel, bytes by source, and what Redis uses", async () => {
    expect(await gateway.metric("rt_subscriptions", 'channel="market:trades"')).toBe(1);
    expect(await gateway.metric("rt_subscriptions", 'channel="market:prices"')).toBe(0);
    for (const source of ["redis", "clients"]) {
      expect(await gateway.metric("rt_received_bytes_total", `source="${source}"`)).toBeGreaterThan(0);
    }
    await expect.poll(() => gateway.metric("rt_redis_used_memory_bytes")).toBeGreaterThan(0);
    await expect.poll(() => gateway.metric("rt_redis_round_trip_seconds_count")).toBeGreaterThan(0);
    // This Redis has no maxmemory.
    expect(await gateway.metric("rt_redis_maximum_memory_bytes")).toBe(0);
  });
});
