import { afterAll, beforeAll, expect, it } from "vitest";
import type { ChannelMessage } from "../../contract/domain-events.ts";
import type { TestClient } from "../support/client.ts";
import { message } from "../support/messages.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

/** Together more than the kernel takes for a client that does not read. */
const COUNT = 900;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

/** As large as they come, 13 KB: each of these characters takes six bytes in JSON. */
function notification(number: number): ChannelMessage {
  const of = message("user:notifications", "slow", number);
  return { ...of, data: { ...of.data, body: "\u0001".repeat(2_000) } } as ChannelMessage;
}

interface Readable {
  pause(): void;
  resume(): void;
}

/** The TCP connection under a stock client. */
const tcpOf = ({ socket }: TestClient): Readable =>
  (socket.io.engine.transport as unknown as { ws: { _socket: Readable } }).ws._socket;

it("a subscription whose token expires while its history is being read ends once with the reason, and does not go live", async () => {
  for (let number = 1; number <= COUNT; number += 1) await platform.publish([notification(number)]);
  const token = await platform.issuer.sign({ sub: "slow", expiresInSeconds: 5 });
  const client = await platform.connect({ token });
  client.socket.emit("subscribe", { channel: "user:notifications", lastId: "0-0" });
  await expect.poll(() => client.of("user:notifications").length).toBeGreaterThan(0);
  tcpOf(client).pause();
  const ended = () => platform.gateways[0]?.metric("rt_subscriptions_ended_total", 'code="token_expired"');
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  tcpOf(client).resume();

  await expect.poll(() => client.errors).toMatchObject([{ code: "token_expired", channel: "user:notifications" }]);
  expect(client.events.filter(({ name }) => name === "subscribed")).toHaveLength(1);
  await expect.poll(ended).toBe(1);
  const got = client.of("user:notifications").length;
  await platform.publish([notification(COUNT + 1)]);
  const signals = await client.ask("subscribe", { channel: "monitor:signals" });
  expect(signals).toMatchObject({ id: "0-0" });
  await platform.publish([message("monitor:signals", undefined, 1)]);
  await client.waitForMessages("monitor:signals", 1);
  expect(client.of("user:notifications")).toHaveLength(got);
  expect(client.errors).toHaveLength(1);
});
