import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type CreateAdapter, readFeed } from "../../examples/adapters/src/adapter.ts";
import { createFixAdapter } from "../../examples/adapters/src/fix.ts";
import { createKalshiAdapter } from "../../examples/adapters/src/kalshi.ts";
import { createPolymarketAdapter } from "../../examples/adapters/src/polymarket.ts";
import { checkEvent } from "../../publisher/testing.ts";

const SAMPLES = join(import.meta.dirname, "../../examples/adapters/samples");

// test/publisher/package.test.ts runs the example's own tests with the packed package alone.
it.each<readonly [string, CreateAdapter, readonly string[]]>([
  ["polymarket.jsonl", createPolymarketAdapter, ["market:orderbook", "market:prices", "market:trades", "user:orders"]],
  ["kalshi.jsonl", createKalshiAdapter, ["market:orderbook", "market:prices", "market:trades", "user:orders"]],
  ["fix.txt", createFixAdapter, ["user:orders"]],
])("all events of %s are accepted", (file, createAdapter, channels) => {
  const entries = readFeed(createAdapter, readFileSync(join(SAMPLES, file), "utf8"));

  const messages = entries.map((entry) => checkEvent(entry));

  expect(messages.length).toBeGreaterThan(10);
  expect([...new Set(messages.map(({ channel }) => channel))].toSorted()).toEqual(channels);
});
