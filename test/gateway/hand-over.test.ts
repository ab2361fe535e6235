import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

describe("a resume that waits for Redis while the token expires", () => {
  it("ends with it, and nothing private follows", async () => {
    // More than a gateway keeps in memory, so that the first one has to be looked for in Redis.
    const ids = await platform.publish(messages("user:orders", "expiring", 100));
    const other = await platform.connect({ user: "expiring" });
    await other.ask("subscribe", { channel: "user:orders" });
    const token = await platform.issuer.sign({ sub: "expiring", expiresInSeconds: 3 });
    const client = await platform.connect({ token });
    await client.ask("subscribe", { channel: "user:orders" });

    platform.redis.process.kill("SIGSTOP");
    const answer = client.ask("subscribe", { channel: "user:orders", lastId: ids[0] });
    await expect.poll(() => client.errors.map(({ code }) => code)).toContain("token_expired");
    platform.redis.process.kill("SIGCONT");

    expect(await answer).toMatchObject({ channel: "user:orders", code: expect.any(String) });
    const [last] = await platform.publish([message("user:orders", "expiring", 101)]);
    await expect.poll(() => other.ids("user:orders")).toContain(last);
    await client.ask("subscribe", { channel: "monitor:signals" });
    expect(client.ids("user:orders")).toEqual([]);
  });
});
