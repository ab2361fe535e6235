import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PublishError } from "../../kernel/streams/publisher.ts";
import { startRedis } from "../../local/redis.ts";
import { message, messages } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

/** Longer than the 74 s after which a gateway that does not guard its emits was seen to die. */
const OUTAGE_MS = 120_000;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.stop());

const statuses = (path: string) =>
  Promise.all(platform.gateways.map(async ({ url }) => (await fetch(`${url}${path}`)).status));

it("two minutes without Redis: processes and clients stay connected, and delivery continues", {
  timeout: 600_000,
}, async () => {
  const clients = await Promise.all([0, 1].map((gateway) => platform.connect({ gateway, user: "patient" })));
  for (const client of clients) await client.ask("subscribe", { channel: "user:orders" });
  await platform.publish(messages("user:orders", "patient", 3));
  for (const client of clients) await client.waitForMessages("user:orders", 3);

  const died = once(platform.redis.process, "exit");
  platform.redis.process.kill("SIGKILL");
  await died;
  const end = Date.now() + OUTAGE_MS;
  await expect.poll(() => statuses("/readyz")).toEqual([503, 503]);
  while (Date.now() < end) {
    await expect(platform.publisher.publish([message("user:orders", "patient", 4)])).rejects.toThrow(PublishError);
    expect(await clients[0]?.ask("subscribe", { channel: "monitor:signals" })).toMatchObject({ code: "unavailable" });
    expect(await statuses("/healthz")).toEqual([200, 200]);
    await delay(5_000);
  }
  expect(clients.map(({ socket }) => socket.connected)).toEqual([true, true]);

  const back = await startRedis({ port: platform.redis.port });
  try {
    await expect.poll(() => statuses("/readyz")).toEqual([200, 200]);
    await expect
      .poll(() =>
        platform.publisher.publish([message("user:orders", "patient", 5)]).then(
          (outcomes) => outcomes[0]?.status,
          () => "failed",
        ),
      )
      .toBe("published");
    const [last] = await platform.publish([message("user:orders", "patient", 6)]);
    for (const client of clients) await expect.poll(() => client.ids("user:orders")).toContain(last);
    expect(await clients[0]?.ask("subscribe", { channel: "monitor:signals" })).toMatchObject({ id: "0-0" });
  } finally {
    await back.stop();
  }
});
