import { afterAll, beforeAll, expect, it } from "vitest";
import { book, bookMessage } from "../support/books.ts";
import { type Platform, startPlatform } from "../support/platform.ts";

const channel = "market:orderbook";

/** Less than the books below take together. */
const LIMIT = 30_000;

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ gateways: 1, environment: { RT_COMPRESSION_MEMORY_BYTES: String(LIMIT) } });
});
afterAll(() => platform.stop());

it("the memory of what was compressed, and its bound, are in the metrics of a gateway", async () => {
  const [gateway] = platform.gateways;
  const memory = () => gateway?.metric("rt_compression_memory_bytes") ?? 0;
  expect(await gateway?.metric("rt_compression_memory_limit_bytes")).toBe(LIMIT);
  expect(await memory()).toBe(0);

  const client = await platform.connect();
  await client.ask("subscribe", { channel });
  const sizes = Array.from({ length: 150 }, (_, index) => 1_000 + index * 7);
  const seen: number[] = [];
  for (const marketId of ["one", "two", "three", "four"]) {
    const [id] = await platform.publish([bookMessage(book(marketId, sizes, sizes))]);
    await expect.poll(() => client.messages.some((each) => each.id === id)).toBe(true);
    await expect.poll(memory).toBeGreaterThan(0);
    seen.push(await memory());
  }
  expect(Math.max(...seen)).toBeGreaterThan(LIMIT / 2);
  expect(Math.max(...seen)).toBeLessThanOrEqual(LIMIT);
});
