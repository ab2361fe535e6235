import { describe, expect, it } from "vitest";
import { CONNECTION_LIFETIME_MS } from "../../contract/managed-edge.ts";
import { roomPartition, rowExpiry, shardOf, shardsOf, subscriptionRow } from "../../kernel/managed-edge/edge-table.ts";

describe("the managed edge's table", () => {
  it("keeps a connection's rows for ten minutes after it must have ended", () => {
    const connectedAt = 1_767_225_600_001;
    const expiry = rowExpiry(connectedAt);
    const left = expiry * 1_000 - (connectedAt + CONNECTION_LIFETIME_MS);
    expect(left).toBeGreaterThanOrEqual(600_000);
    expect(left).toBeLessThan(601_000);
    expect(Number.isInteger(expiry)).toBe(true);
  });

  it("spreads the subscribers of public rooms, and keeps a user's together", () => {
    expect([shardsOf("market:prices"), shardsOf("user:orders")]).toEqual([4, 1]);
    const shards = Array.from({ length: 100 }, (_, index) => shardOf(`connection ${index}`, 4));
    expect(new Set(shards)).toEqual(new Set([0, 1, 2, 3]));
    expect(shardOf("connection 1", 4)).toBe(shards[1]);
  });

  it("names rooms as they are up to 256 characters, and longer ones by a hash", () => {
    const [short, long, other] = ["a", "aa", "ab"].map((end) => `{${"m".repeat(254)}${end}`);
    expect([short?.length, long?.length]).toEqual([256, 257]);
    expect(subscriptionRow(String(short))).toBe(`room#${short}`);
    expect(subscriptionRow(String(long))).toMatch(/^room##[0-9a-f]{64}$/);
    expect(subscriptionRow(String(other))).not.toBe(subscriptionRow(String(long)));
    expect(roomPartition(String(short), 3)).toBe(`room#${short}#3`);
  });
});
