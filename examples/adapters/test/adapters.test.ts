import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkEvent, InvalidEventError } from "@vezta/realtime-publisher/testing";
import { type CreateAdapter, readFeed } from "../src/adapter.ts";
import { createFixAdapter } from "../src/fix.ts";
import { createKalshiAdapter } from "../src/kalshi.ts";
import { createPolymarketAdapter } from "../src/polymarket.ts";

const feeds: readonly (readonly [file: string, createAdapter: CreateAdapter, events: number])[] = [
  ["polymarket.jsonl", createPolymarketAdapter, 71],
  ["kalshi.jsonl", createKalshiAdapter, 56],
  ["fix.txt", createFixAdapter, 11],
];

const read = (file: string): string => readFileSync(new URL(`../samples/${file}`, import.meta.url), "utf8");

for (const [file, createAdapter, count] of feeds) {
  test(`all events of ${file} are accepted`, () => {
    const entries = readFeed(createAdapter, read(file));

    const messages = entries.map((entry) => checkEvent(entry));

    assert.equal(messages.length, count);
  });
}

test("an order of the FIX session arrives in canonical form", () => {
  const [, , , filled] = readFeed(createFixAdapter, read("fix.txt")).map((entry) => checkEvent(entry).data);
  assert.deepEqual(JSON.parse(JSON.stringify(filled)), {
    ...{
      id: "O-1",
      marketId: "KXHIGHNY-26JUN01-B83.5",
      exchange: "broker",
      outcome: "yes",
      side: "buy",
      type: "limit",
    },
    ...{
      status: "filled",
      price: "0.5",
      size: "100",
      filledSize: "100",
      averagePrice: "0.4966666666666666666666666667",
    },
    fill: { id: "E-4", price: "0.4978", size: "60", fee: "0.15", time: Date.UTC(2026, 5, 1, 12, 30, 15, 5) },
    time: Date.UTC(2026, 5, 1, 12, 30, 15, 5),
  });
});

test("a book of Kalshi has the offers that its bids for NO are, best first", () => {
  const [snapshot] = readFeed(createKalshiAdapter, read("kalshi.jsonl")).map((entry) => checkEvent(entry));
  assert.ok(snapshot?.channel === "market:orderbook");
  assert.deepEqual(snapshot.data.yes.asks, [
    { price: "0.44", size: "146" },
    { price: "0.46", size: "20" },
  ]);
  assert.deepEqual(snapshot.data.yes.bids[0], { price: "0.425", size: "333.33" });
  assert.equal(snapshot.data.mirrored, true);
});

test("an event with a JSON number for a price fails in the unit test already", () => {
  const [trade] = readFeed(createPolymarketAdapter, read("polymarket.jsonl")).filter(
    ({ DetailType }) => DetailType === "TradeExecuted",
  );
  assert.ok(trade);
  // What a sender without types might do.
  const broken = { ...trade, Detail: { ...trade.Detail, price: 0.456 } } as unknown as typeof trade;
  assert.throws(() => checkEvent(broken), InvalidEventError);
});
