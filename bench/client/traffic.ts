import { randomUUID } from "node:crypto";
import { type Channel, channelDefinition } from "../../contract/channels.ts";
import type { ChannelMessage } from "../../contract/domain-events.ts";

const time = (): number => Date.now();

/** Payloads of about the size that real ones have. */
const payloads: { readonly [C in Channel]: (key: string, id: string) => object } = {
  "market:prices": (marketId) => ({ marketId, yes: "0.42", no: "0.58", volume24h: "125000", time: time() }),
  "market:orderbook": (marketId) => {
    const side = Array.from({ length: 10 }, (_, level) => ({ price: `0.${40 - level}`, size: "1250.5" }));
    return { marketId, yes: { bids: side, asks: side }, no: { bids: side, asks: side }, time: time() };
  },
  "market:trades": (marketId, id) => {
    const terms = { outcome: "yes", side: "buy", price: "0.42", size: "125.5" };
    return { id, marketId, exchange: "polymarket", ...terms, time: time() };
  },
  "monitor:signals": (_, id) => {
    const news = { kind: "news", headline: "Something has happened", source: "wire", sentiment: "neutral" };
    return { id, marketIds: [], ...news, time: time() };
  },
  "user:orders": (_, id) => {
    const terms = { outcome: "yes", side: "buy", type: "limit", status: "open", price: "0.42", size: "100" };
    return { id, marketId: "m1", exchange: "polymarket", ...terms, filledSize: "0", time: time() };
  },
  "user:notifications": (_, id) => {
    const words = { category: "order", severity: "info", title: "Order filled", body: "Your order is filled." };
    return { id, ...words, time: time() };
  },
  "user:portfolio": () => {
    const money = { currency: "USD", value: "1000", cash: "400", profit: "12.5" };
    return { ...money, positions: [], time: time() };
  },
  "user:copy-trade": (_, id) => {
    const trade = { leaderId: "l1", leaderTradeId: id, marketId: "m1", exchange: "polymarket" };
    const outcome = { outcome: "yes", side: "buy", status: "skipped", size: "10", reason: "limit" };
    return { id, ...trade, ...outcome, time: time() };
  },
};

/** A message of a stream, like a real one in form and size, and like no other one. */
export function messageOf(channel: Channel, key: string | undefined, version: number): ChannelMessage {
  const id = randomUUID();
  const isLatest = channelDefinition(channel).delivery === "latest";
  const data = payloads[channel](key ?? "", id);
  const message = { channel, key, data, eventId: id, ...(isLatest ? { version, versionEpoch: "bench" } : {}) };
  // The publisher checks it against the channel's schema.
  return message as ChannelMessage;
}
