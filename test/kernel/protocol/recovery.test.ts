import { describe, expect, it } from "vitest";
import { FIRST_ID } from "../../../contract/ids.ts";
import { conflate, entriesFollowing, isLatest, resumeLatest, snapshotOf } from "../../../kernel/protocol/recovery.ts";
import { entry } from "./entries.ts";

const price = entry("market:prices", "9-0", "8-0");
const trades = [entry("market:trades", "7-0", "5-0"), entry("market:trades", "8-0", "7-0")];

describe("isLatest", () => {
  it("is true of a `latest` channel alone", () => {
    expect(isLatest({ channel: "market:prices" })).toBe(true);
    expect(isLatest({ channel: "market:trades", key: "m1" })).toBe(false);
    expect(isLatest({ channel: "user:orders", key: "alice" })).toBe(false);
  });
});

describe("snapshotOf", () => {
  it("has the newest value of a `latest` stream", () => {
    expect(snapshotOf({ channel: "market:prices", key: "m1" }, price)).toEqual({ entries: [price], recovered: true });
    expect(snapshotOf({ channel: "market:prices", key: "m1" }, undefined)).toEqual({ entries: [], recovered: true });
  });

  it("has nothing of an `ordered` stream, whose subscriber receives what follows", () => {
    const stream = { channel: "market:trades", key: "m1" } as const;
    expect(snapshotOf(stream, trades[1])).toEqual({ entries: [], recovered: true });
  });
});

describe("resumeLatest", () => {
  it("is empty if the client has the newest value, or if there is none", () => {
    expect(resumeLatest(price, "9-0")).toEqual({ entries: [], recovered: true });
    expect(resumeLatest(undefined, FIRST_ID)).toEqual({ entries: [], recovered: true });
  });

  it("has the newest value as the successor of the client's", () => {
    expect(resumeLatest(price, "2-0")).toEqual({ entries: [{ ...price, prev: "2-0" }], recovered: true });
    expect(resumeLatest(price, FIRST_ID)).toEqual({ entries: [{ ...price, prev: FIRST_ID }], recovered: true });
  });

  it("shows the gap of a client that is ahead of the stream", () => {
    expect(resumeLatest(price, "9-1")).toEqual({ entries: [price], recovered: false });
    expect(resumeLatest(price, "10-0")).toEqual({ entries: [price], recovered: false });
    expect(resumeLatest(undefined, "2-0")).toEqual({ entries: [], recovered: false });
  });
});

describe("entriesFollowing", () => {
  it("has what follows an id, whether or not the entry of that id is held itself", () => {
    expect(entriesFollowing(trades, "5-0")).toEqual(trades);
    expect(entriesFollowing(trades, "7-0")).toEqual(trades.slice(1));
  });

  it("is undefined if the next entry is not held", () => {
    expect(entriesFollowing(trades, "4-0")).toBeUndefined();
    expect(entriesFollowing(trades, "6-0")).toBeUndefined();
    expect(entriesFollowing(trades, "8-0")).toBeUndefined();
    expect(entriesFollowing([], FIRST_ID)).toBeUndefined();
  });
});

it("conflate leaves the entry that it was given as it was", () => {
  expect(conflate(price, "3-0")).toEqual({ ...price, prev: "3-0" });
  expect(price.prev).toBe("8-0");
});
