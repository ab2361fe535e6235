import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channelNames } from "../../contract/channels.ts";
import { ChannelError, errorCodes } from "../../contract/errors.ts";
import { parseAuthenticate, parseSubscribe, parseUnsubscribe } from "../../contract/messages.ts";

const parsers = { parseSubscribe, parseUnsubscribe, parseAuthenticate };

/** The code of the error that a parser throws; fails where it throws anything else, undefined where it throws nothing. */
function codeOf(parse: (value: unknown) => unknown, value: unknown): string | undefined {
  try {
    parse(value);
    return undefined;
  } catch (error) {
    if (error instanceof ChannelError && error.code in errorCodes) return error.code;
    throw error;
  }
}

const absurd: readonly unknown[] = [
  null,
  undefined,
  0,
  "subscribe",
  [],
  [["market:prices"]],
  {},
  { channel: null },
  { channel: ["market:prices"] },
  { channel: { toString: "market:prices" } },
  { channel: "x".repeat(100_000) },
  { channel: "market:prices", marketId: "" },
  { channel: "market:prices", marketId: "x".repeat(129) },
  { channel: "market:prices", marketId: "\ud800" },
  { channel: "market:prices", marketId: "a\u0000b" },
  { channel: "market:prices", marketId: [] },
  { channel: "market:prices", marketId: [["a"]] },
  { channel: "market:prices", marketId: Array(501).fill("a") },
  { channel: "user:orders", marketId: "a" },
];

describe("an invalid request", () => {
  it.each(absurd.map((value) => [JSON.stringify(value)?.slice(0, 60), value] as const))(
    "%s: bad_request",
    (_, value) => {
      expect(codeOf(parseSubscribe, value)).toBe("bad_request");
      expect(codeOf(parseUnsubscribe, value)).toBe("bad_request");
    },
  );

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty", "market", "{market:prices}", ""])(
    "channel %j: unknown_channel",
    (channel) => {
      expect(codeOf(parseSubscribe, { channel })).toBe("unknown_channel");
    },
  );

  it.each([
    ["market:trades", "1-1"],
    ["market:trades", "now"],
    ["market:trades", ""],
    ["user:orders", { carol: "1-1" }],
    ["user:orders", -1],
  ])("%s with lastId %j: bad_request", (channel, lastId) => {
    expect(codeOf(parseSubscribe, { channel, lastId })).toBe("bad_request");
  });

  it.each(Object.entries(parsers))(
    "%s accepts any input and throws only error codes of the contract",
    (_name, parse) => {
      const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true });
      const almost = fc.record(
        {
          channel: fc.oneof(fc.constantFrom(...channelNames), anything),
          marketId: fc.oneof(fc.string({ unit: "binary" }), anything),
          lastId: fc.oneof(fc.constant("0-0"), fc.dictionary(fc.string(), fc.string()), anything),
          token: anything,
        },
        { requiredKeys: [] },
      );
      fc.assert(
        fc.property(fc.oneof(anything, almost), (value) => {
          codeOf(parse, value);
        }),
        { numRuns: 2_000 },
      );
    },
  );
});

describe("a valid request", () => {
  it.each(channelNames)("%s without a key", (channel) => {
    expect(parseSubscribe({ channel, lastId: "0-0" })).toEqual({ channel, lastId: "0-0" });
  });

  it("names each market once, and keeps the markets as they were asked for the answer", () => {
    const marketId = ["a", "b", "a"];
    expect(parseSubscribe({ channel: "market:trades", marketId, lastId: { a: "1-0" } })).toEqual({
      channel: "market:trades",
      marketId,
      keys: ["a", "b"],
      lastId: new Map([["a", "1-0"]]),
    });
  });
});
