import { ConnectionError, RealtimeClient } from "@vezta/realtime-client";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { Backoff } from "../../client/core/timing/backoff.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const RANDOM = 0.9;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());
afterEach(() => void vi.restoreAllMocks());

it("after a cut without a word the client waits a random part of the time that the gateway gave", async () => {
  const gateway = await platform.addGateway({ RT_HANDSHAKES_PER_SECOND: "1" });
  const index = platform.gateways.indexOf(gateway);
  for (let number = 0; number < 4; number += 1) await platform.connect({ gateway: index });
  const errors: Error[] = [];
  const client = new RealtimeClient({ url: gateway.url, onError: (error) => errors.push(error) });
  const lossOf = (): ConnectionError | undefined =>
    errors.find((error) => error instanceof ConnectionError && error.code === "connection_lost") as
      | ConnectionError
      | undefined;
  try {
    await expect.poll(() => client.status).toBe("connected");
    // Five clients at one handshake a second: eight seconds. A sixth sees the same, after which the client has its own.
    const last = await platform.connect({ gateway: index });
    await expect.poll(() => last.events.map(({ value }) => value)).toContainEqual({ reconnectIn: 8_000 });
    vi.spyOn(Math, "random").mockReturnValue(RANDOM);
    await gateway.stop("SIGKILL");

    await expect.poll(() => lossOf()?.nextRetryMs).toBe(RANDOM * 8_000);
  } finally {
    client.close();
  }
});

it("a time that is none does not make attempts without a pause", () => {
  vi.spyOn(Math, "random").mockReturnValue(RANDOM);
  const backoff = new Backoff();
  backoff.spread(2_000);
  expect([backoff.next(), backoff.next()]).toEqual([RANDOM * 2_000, RANDOM * 4_000]);
  for (const time of [0, Number.NaN]) {
    backoff.spread(time);
    expect(backoff.next()).toBe(RANDOM * 30_000);
  }
});
