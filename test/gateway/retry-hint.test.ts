import { afterAll, beforeAll, expect, it } from "vitest";
import { returnTime } from "../../gateway/retry-hint.ts";
import type { TestClient } from "../support/client.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1 });
});
afterAll(() => platform.stop());

const hintsOf = ({ events }: TestClient): unknown[] =>
  events.filter(({ name }) => name === "retry").map(({ value }) => value);

it.each([
  [1, 500],
  [1_000, 500],
  [1_001, 1_000],
  [7_000, 4_000],
  [10_000, 8_000],
  [1_000_000, 60_000],
])("%i clients at 2,000 handshakes a second come back within %i ms", (connections, expected) => {
  expect(returnTime(connections, 2_000)).toBe(expected);
});

it("each client gets the time in which to return, and all of them a longer one when there are more", async () => {
  const gateway = await platform.addGateway({ RT_HANDSHAKES_PER_SECOND: "2" });
  const index = platform.gateways.indexOf(gateway);
  const first = await platform.connect({ gateway: index });
  await expect.poll(() => hintsOf(first)).toEqual([{ reconnectIn: 500 }]);
  const second = await platform.connect({ gateway: index });
  await expect.poll(() => hintsOf(second)).toEqual([{ reconnectIn: 1_000 }]);
  const third = await platform.connect({ gateway: index });
  await expect.poll(() => hintsOf(third)).toEqual([{ reconnectIn: 2_000 }]);
  const all = [{ reconnectIn: 500 }, { reconnectIn: 1_000 }, { reconnectIn: 2_000 }];
  await expect.poll(() => hintsOf(first)).toEqual(all);
});
