import { describe, expect, it } from "vitest";
import { belongsTo, parseBody, parseItem } from "../../kernel/streams/entry.ts";
import { message } from "../support/messages.ts";

const channel = "market:trades" as const;
const { data } = message(channel, "m", 1);
const entry = { channel, marketId: "m", data, id: "2-0", prev: "1-0" };

const envelope = (value: unknown, event = "data"): Buffer =>
  Buffer.from(JSON.stringify({ data: { packet: { data: [event, value] } } }));

describe("what arrives over Pub/Sub", () => {
  it("is an entry in the form of the publish script", () => {
    expect(parseBody(envelope(entry), channel)).toEqual(entry);
    expect(parseBody(envelope({ ...entry, event: "TradeExecuted" }), channel)?.event).toBe("TradeExecuted");
  });

  it.each<[string, Buffer]>([
    ["no JSON", Buffer.from("{")],
    ["no envelope", Buffer.from("{}")],
    ["another event", envelope(entry, "drain")],
    ["an unknown channel", envelope({ ...entry, channel: "market:nothing" })],
    ["no id", envelope({ ...entry, id: "2" })],
    ["no prev", envelope({ ...entry, prev: undefined })],
    ["a list as its data", envelope({ ...entry, data: [] })],
    ["null as its data", envelope({ ...entry, data: null })],
    ["text as its data", envelope({ ...entry, data: "one" })],
    ["a market that is no text", envelope({ ...entry, marketId: 1 })],
  ])("is nothing with %s", (_, body) => {
    expect(parseBody(body, channel)).toBeUndefined();
  });
});

describe("what arrives over Pub/Sub of a state channel", () => {
  const state = { channel: "market:orderbook", marketId: "m", changes: { head: {}, rows: {} }, sum: 1 } as const;
  const body = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

  it("is the entry itself", () => {
    const change = { ...state, id: "2-0", prev: "1-0" };

    expect(parseBody(body(change), "market:orderbook")).toEqual(change);
    expect(parseBody(envelope(change), "market:orderbook")).toBeUndefined();
    expect(parseBody(body(entry), channel)).toBeUndefined();
  });

  it("is read without the fields of a newer publisher, and is nothing in a form that only such a one knows", () => {
    const change = { ...state, id: "2-0", prev: "1-0" };

    expect(parseBody(body({ ...change, traceId: "t" }), "market:orderbook")).toEqual(change);
    for (const other of [{ changes: undefined, patch: [1] }, { changes: { head: {}, rows: [] } }, { data: {} }]) {
      expect(parseBody(body({ ...change, ...other }), "market:orderbook")).toBeUndefined();
    }
  });

  it("is nothing without a sum", () => {
    expect(parseBody(body({ ...state, sum: undefined, id: "2-0", prev: "1-0" }), "market:orderbook")).toBeUndefined();
  });
});

describe("an item of a Redis Stream", () => {
  const body = JSON.stringify({ channel, marketId: "m", data }).slice(0, -1);

  it("is an entry, with the id of the item", () => {
    expect(parseItem(["2-0", ["m", body, "p", "1-0"]])).toEqual(entry);
  });

  it.each<[string, readonly string[]]>([
    ["no fields", []],
    ["a body that is no JSON", ["m", "{", "p", "1-0"]],
    ["no prev", ["m", body]],
  ])("is nothing with %s", (_, fields) => {
    expect(parseItem(["2-0", fields])).toBeUndefined();
  });
});

describe("an entry", () => {
  const signal = { ...message("monitor:signals", undefined, 1), id: "1-0", prev: "0-0" } as unknown as typeof entry;

  it("belongs to its stream, and to its whole channel", () => {
    for (const topic of [{ channel, key: "m" }, { channel }]) expect(belongsTo(entry, topic)).toBe(true);
    expect(belongsTo({ ...signal, marketId: undefined } as never, { channel: "monitor:signals" })).toBe(true);
  });

  it("belongs to no other, and needs a market just where its channel has them", () => {
    expect(belongsTo(entry, { channel, key: "other" })).toBe(false);
    expect(belongsTo(entry, { channel: "market:prices", key: "m" })).toBe(false);
    expect(belongsTo({ ...entry, marketId: undefined } as never, { channel })).toBe(false);
    expect(belongsTo({ ...signal, marketId: "m" }, { channel: "monitor:signals" })).toBe(false);
  });
});
