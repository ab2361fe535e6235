import { describe, expect, it } from "vitest";
import { activeSince } from "../../../kernel/protocol/active-streams.ts";
import { channelHeartbeat, streamHeartbeat } from "../../../kernel/protocol/heartbeat.ts";
import { roomsOf, topicsOf } from "../../../kernel/protocol/rooms.ts";

describe("the rooms of a stream", () => {
  it("are its own and the whole channel's where the channel is split by market", () => {
    const stream = { channel: "market:prices", key: "m1" } as const;
    expect(topicsOf(stream)).toEqual([stream, { channel: "market:prices" }]);
    expect(roomsOf(stream)).toEqual(["{market:prices}:m1", "{market:prices}"]);
  });

  it("are its own alone on any other channel", () => {
    expect(roomsOf({ channel: "monitor:signals", key: undefined })).toEqual(["{monitor:signals}"]);
    expect(roomsOf({ channel: "user:orders", key: "alice" })).toEqual(["{user:orders:alice}"]);
  });
});

describe("a heartbeat", () => {
  it("names the market of a stream, and never the user", () => {
    const market = { channel: "market:trades", key: "m1" } as const;
    expect(streamHeartbeat(market, "5-0")).toEqual({ channel: "market:trades", marketId: "m1", id: "5-0" });
    const user = { channel: "user:orders", key: "alice" } as const;
    expect(streamHeartbeat(user, "5-0")).toEqual({ channel: "user:orders", id: "5-0" });
  });

  it("has no id where it is not known up to where subscribers have the stream", () => {
    const market = { channel: "market:trades", key: "m1" } as const;
    expect(Object.keys(streamHeartbeat(market, undefined))).toEqual(["channel", "marketId"]);
  });

  it("of a whole channel has the ids by market, of any name", () => {
    const { channel, ids } = channelHeartbeat("market:prices", new Map([["__proto__", "5-0"]]));
    expect([channel, Object.entries(ids ?? {})]).toEqual(["market:prices", [["__proto__", "5-0"]]]);
  });
});

describe("activeSince", () => {
  it("looks back as far as the channel's streams are held", () => {
    const now = Date.UTC(2026, 0, 2);
    expect(activeSince("market:prices", now)).toBe(Date.UTC(2026, 0, 1));
  });

  it("is never before 1970, whatever the clock says", () => {
    expect(activeSince("market:prices", 5_000)).toBe(0);
  });
});
