import { describe, expect, it } from "vitest";
import { parseSubscribe } from "../../../contract/messages.ts";
import { lastIdFor, planSubscribe } from "../../../kernel/protocol/subscribe-plan.ts";

const anonymous = { identity: undefined, subscriptions: new Map<string, unknown>(), maximumSubscriptions: 3 };
const alice = { sub: "alice", expiresAt: Date.now() + 60_000 };

const prices = (...marketId: string[]) => parseSubscribe({ channel: "market:prices", marketId });

describe("planSubscribe", () => {
  it("names the streams of the request, a whole channel, or the stream of the token's user", () => {
    const streams = [
      { channel: "market:prices", key: "m2" },
      { channel: "market:prices", key: "m1" },
    ];
    expect(planSubscribe(prices("m2", "m1", "m2"), anonymous)).toEqual({ topics: streams, fresh: streams });
    const whole = [{ channel: "market:prices" }];
    expect(planSubscribe(parseSubscribe({ channel: "market:prices" }), anonymous).topics).toEqual(whole);
    const orders = parseSubscribe({ channel: "user:orders" });
    const own = [{ channel: "user:orders", key: "alice" }];
    expect(planSubscribe(orders, { ...anonymous, identity: alice }).topics).toEqual(own);
  });

  it("refuses a private channel to an anonymous connection", () => {
    const plan = () => planSubscribe(parseSubscribe({ channel: "user:orders" }), anonymous);
    expect(plan).toThrow(expect.objectContaining({ code: "unauthorized" }));
  });

  it("counts against the limit only what the connection is not subscribed to", () => {
    const subscriptions = new Map([
      ["{market:prices}:m1", {}],
      ["{monitor:signals}", {}],
    ]);
    const subscriber = { ...anonymous, subscriptions };
    expect(planSubscribe(prices("m1", "m2"), subscriber).fresh).toEqual([{ channel: "market:prices", key: "m2" }]);
    expect(() => planSubscribe(prices("m2", "m3"), subscriber)).toThrow(
      expect.objectContaining({ code: "limit_exceeded", message: "a connection may have 3 subscriptions" }),
    );
  });
});

describe("lastIdFor", () => {
  const m1 = { channel: "market:prices", key: "m1" } as const;

  it("is the id of the stream, of the one stream of the request, or `0-0` for all", () => {
    const byMarket = parseSubscribe({ channel: "market:prices", lastId: { m1: "5-0" } });
    expect(lastIdFor(byMarket, m1)).toBe("5-0");
    expect(lastIdFor(parseSubscribe({ channel: "market:prices", marketId: "m1", lastId: "6-0" }), m1)).toBe("6-0");
    expect(lastIdFor(parseSubscribe({ channel: "market:prices", lastId: "0-0" }), m1)).toBe("0-0");
    const signals = { channel: "monitor:signals", key: undefined } as const;
    expect(lastIdFor(parseSubscribe({ channel: "monitor:signals", lastId: "7-0" }), signals)).toBe("7-0");
  });

  it("is undefined for a stream that the request has no id of", () => {
    expect(lastIdFor(parseSubscribe({ channel: "market:prices" }), m1)).toBeUndefined();
    expect(lastIdFor(parseSubscribe({ channel: "market:prices", lastId: { m2: "5-0" } }), m1)).toBeUndefined();
  });
});
