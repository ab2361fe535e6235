import { afterAll, beforeAll, expect, it } from "vitest";
import { messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

it("answers no subscribe from memory while Redis is paused, and does so again afterwards", async () => {
  const request = { channel: "market:prices", marketId: "m1" };
  await platform.publish(messages("market:prices", "m1", 2));
  const [first, second] = await Promise.all([platform.connect(), platform.connect()]);
  expect(await first.ask("subscribe", request)).toMatchObject({ channel: "market:prices", marketId: "m1" });

  platform.redis.process.kill("SIGSTOP");
  try {
    await expect
      .poll(() => second.ask("subscribe", request), { timeout: 120_000 })
      .toMatchObject({ code: "unavailable", channel: "market:prices", marketId: "m1" });
  } finally {
    platform.redis.process.kill("SIGCONT");
  }
  await expect.poll(() => second.ask("subscribe", request)).toMatchObject({ id: expect.any(String) });
});
