import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { openProbe } from "../local/redis.ts";
import { idOf, type RedisNode } from "./redis-node.ts";
import type { RedisSide } from "./redis-side.ts";

/** Keys that move at once, and the pause after them, in ms: a slot is between two nodes for a while, as with real data. */
const KEYS_AT_ONCE = 5;
const PAUSE_MS = 30;

const MIGRATE_TIMEOUT_MS = 5_000;

async function moveKeys(slot: number, from: Redis, port: number): Promise<number> {
  let moved = 0;
  for (;;) {
    const keys = await from.call("CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE);
    if (!Array.isArray(keys) || keys.length === 0) return moved;
    await from.call("MIGRATE", "127.0.0.1", port, "", 0, MIGRATE_TIMEOUT_MS, "KEYS", ...keys.map(String));
    moved += keys.length;
    await delay(PAUSE_MS);
  }
}

/** Moves a slot with all its keys to another primary while it is in use, as resharding does. Returns the keys moved. */
export async function moveSlot(
  redis: RedisSide,
  slot: number,
  { from, to }: { readonly from: RedisNode; readonly to: RedisNode },
): Promise<number> {
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  const [source, target] = [openProbe(from.server.port), openProbe(to.server.port)];
  const others = redis.alive.filter((node) => node !== from && node !== to).map((node) => openProbe(node.server.port));
  try {
    await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
    await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
    let moved = await moveKeys(slot, source, to.server.port);
    // One that was written between the last look and the hand-over goes along.
    moved += await moveKeys(slot, source, to.server.port);
    // The new owner first: it must not forget about the slot when the old one already has.
    await target.call("CLUSTER", "SETSLOT", slot, "NODE", toId);
    await source.call("CLUSTER", "SETSLOT", slot, "NODE", toId);
    // Replicas do not take the command; they learn it from their primaries.
    for (const other of others) await other.call("CLUSTER", "SETSLOT", slot, "NODE", toId).catch(() => undefined);
    return moved;
  } finally {
    for (const probe of [source, target, ...others]) probe.disconnect();
  }
}
