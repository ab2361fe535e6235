import { expect, it } from "vitest";
import { domainNames, domains, parseDomainEvent } from "../../contract/domain-events.ts";
import { examples } from "../support/messages.ts";

/** Parses the example of an event type with some of its details changed. */
function parseChanged(detailType: string, change: Record<string, unknown>): unknown {
  const example = examples.find(({ DetailType }) => DetailType === detailType);
  const domain = domainNames.find((name) => domains[name].some((event) => event.detailType === detailType));
  if (!example || !domain) throw new Error(`there is no ${detailType}`);
  const detail = { ...example.Detail, ...change };
  return parseDomainEvent(domain, { id: "e", source: example.Source, detailType, detail });
}

it.each([
  ["PriceChanged", { yes: 0.6 }, "detail.yes: send decimals as text"],
  ["PriceChanged", { yes: "1.01" }, "detail.yes: a price of an outcome lies between 0 and 1"],
  ["PriceChanged", { no: "-0.1" }, "detail.no"],
  ["PriceChanged", { no: "NaN" }, "detail.no"],
  ["PriceChanged", { volume24h: "1e99" }, "detail.volume24h"],
  ["PriceChanged", { time: "2026-01-01" }, "detail.time"],
  ["PriceChanged", { time: 1_767_225_600 }, "detail.time: must be milliseconds since 1970: 1767225600 is before 2001"],
  ["PriceChanged", { time: 1_767_225_600 }, "looks like seconds"],
  ["TradeExecuted", { time: 999_999_999_999 }, "detail.time: .* is before 2001-09-09"],
  ["OrderBookChanged", { time: 1_767_225_600_000_000 }, "looks like microseconds"],
  ["PortfolioChanged", { time: 1_767_225_600_000_000_000 }, "looks like nanoseconds"],
  ["CopyTradeExecuted", { time: 10_000_000_000_000 }, "is after the year 2286"],
  ["OrderChanged", { time: 7 }, "looks like a counter"],
  [
    "OrderChanged",
    { fill: { id: "f", price: "1", size: "1", fee: "0", time: 1_767_225_600 } },
    "detail.fill.time: .*seconds",
  ],
  ["NotificationCreated", { time: Number.NaN }, "detail.time"],
  ["NewsDetected", { time: 2 ** 53 }, "detail.time: must be milliseconds since 1970"],
  ["PriceChanged", { marketId: "" }, "detail.marketId"],
  ["PriceChanged", { version: -1 }, "detail.version: must not be negative"],
  ["OrderChanged", { version: 1.5 }, "detail.version: must be a whole number"],
  ["OrderChanged", { version: 2 ** 53 }, "detail.version: must be at most 2.53-1"],
  ["OrderChanged", { versionEpoch: "e".repeat(65) }, "detail.versionEpoch"],
  ["OrderChanged", { versionEpoch: 7 }, "detail.versionEpoch"],
  ["PriceChanged", { eventId: "e".repeat(257) }, "detail.eventId: has 257 characters"],
  ["PriceChanged", { event: "e".repeat(65) }, "detail.event"],
  ["OrderBookChanged", { yes: { bids: [{ price: "2", size: "1" }], asks: [] } }, "detail.yes.bids.0.price"],
  ["OrderBookChanged", { no: { bids: [], asks: [{ price: "0.5", size: 1 }] } }, "detail.no.asks.0.size"],
  ["OrderBookChanged", { yes: { bids: "none", asks: [] } }, "detail.yes.bids: must be a list of levels"],
  ["OrderBookChanged", { yes: { bids: [null], asks: [] } }, "detail.yes.bids.0.price: is no decimal"],
  ["OrderBookChanged", { yes: { bids: [["0.5"]], asks: [] } }, "detail.yes.bids.0.1: is no decimal"],
  ["OrderBookChanged", { yes: [] }, "detail.yes"],
  ["OrderBookChanged", { mirrored: "yes" }, "detail.mirrored: must be true"],
  ["PortfolioChanged", { positions: Array(501).fill({}) }, "detail.positions"],
  ["PortfolioChanged", { currency: "a b" }, "detail.currency: must be 1 to 16 printable"],
  ["NotificationCreated", { link: "ftp://x" }, "detail.link: .* https:// or vezta://"],
  ["NotificationCreated", { title: "" }, "detail.title: has 0 characters"],
  ["NewsDetected", { url: "https://" }, "detail.url"],
  ["TradeExecuted", { side: "hold" }, "detail.side"],
  ["TradeExecuted", { outcome: "maybe" }, "detail.outcome"],
  ["TradeExecuted", { size: "-1" }, "detail.size: must not be negative"],
  ["OrderChanged", { userId: undefined }, "detail.userId"],
  ["OrderChanged", { status: "done" }, "detail.status"],
  ["OrderChanged", { filledSize: 250 }, "detail.filledSize"],
  ["NotificationCreated", { userId: "a\u0000" }, "detail.userId"],
  ["PortfolioChanged", { userId: 7.5 }, "detail.userId: 7.5 is no exact whole number"],
  ["CopyTradeExecuted", { userId: null }, "detail.userId"],
  ["WhaleDetected", { time: -1 }, "detail.time"],
  ["NewsDetected", { time: 1.5 }, "detail.time"],
])("%s with %j is refused: %s", (detailType, change, text) => {
  expect(() => parseChanged(detailType, change)).toThrow(new RegExp(text));
});

it("a side of 1,001 levels is refused with both numbers", () => {
  const bids = Array(1_001).fill({ price: "0.5", size: "1" });
  expect(() => parseChanged("OrderBookChanged", { yes: { bids, asks: [] } })).toThrow(
    "detail.yes.bids: has 1001 levels: send the best 1000 of a side at most",
  );
});

it.each(["pending", "open", "partially_filled", "filled", "cancelled", "rejected", "expired"])(
  "an order can be %s",
  (status) => {
    expect(parseChanged("OrderChanged", { status })).toMatchObject({ data: { status } });
  },
);

it.each(["0", "1", "0.000000000000000001"])("a price can be %s, to the last digit", (yes) => {
  expect(parseChanged("PriceChanged", { yes })).toMatchObject({ data: { yes } });
});
