import type { Entry } from "../../../kernel/streams/entry.ts";
import { parseItem } from "../../../kernel/streams/entry.ts";

/** An entry of the market `m1` with an id, after the one with the id `prev`. */
export function entry(channel: "market:prices" | "market:trades", id: string, prev: string): Entry {
  const body = JSON.stringify({ channel, marketId: "m1", data: { at: id } }).slice(0, -1);
  const parsed = parseItem([id, ["m", body, "p", prev]]);
  if (!parsed) throw new Error(`${id} after ${prev} is no entry`);
  return parsed;
}
