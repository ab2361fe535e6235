import type { Cluster, Redis } from "ioredis";

/**
 * The state of a whole channel that a subscriber finds:
 * - `first`: it has no other subscribers, and this one may set its cursors until `open`, while others wait
 * - `busy`: another subscriber is setting the cursors
 * - `open`: it has other subscribers
 */
export type Claim = "first" | "busy" | "open";

/** KEYS: a key of the node that is asked. Returns its time, by which it gives entries their ids, in ms since 1970. */
const NOW = `
local now = redis.call('TIME')
return string.format('%.0f', tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000))
`;

/** KEYS: the marker of the whole channel. ARGV: token, seconds. */
const CLAIM = `
local held = redis.call('GET', KEYS[1])
if not held or held == 'first:' .. ARGV[1] then
  redis.call('SET', KEYS[1], 'first:' .. ARGV[1], 'EX', ARGV[2])
  return 'first'
end
if string.sub(held, 1, 6) == 'first:' then return 'busy' end
redis.call('SET', KEYS[1], held, 'EX', ARGV[2])
return 'open'
`;

/** KEYS: the marker of the whole channel, then the cursor and the marker of each stream. ARGV: token, seconds, cursors. */
const ADOPT = `
if redis.call('GET', KEYS[1]) ~= 'first:' .. ARGV[1] then return 0 end
for i = 3, #ARGV do
  local cursor, marker = KEYS[2 * i - 4], KEYS[2 * i - 3]
  if not redis.call('GET', marker) then redis.call('SET', cursor, ARGV[i], 'EX', ARGV[2]) end
end
return 1
`;

/** KEYS: the marker of the whole channel. ARGV: token, seconds. */
const OPEN = `
if redis.call('GET', KEYS[1]) == 'first:' .. ARGV[1] then redis.call('SET', KEYS[1], '1', 'EX', ARGV[2]) end
`;

/** KEYS: a cursor. ARGV: the expected text ('' for none), the new text, seconds. Returns the text that was found. */
const MOVE_CURSOR = `
local held = redis.call('MGET', KEYS[1])[1] or ''
if held == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return held
`;

type Value = string | number;

interface Commands {
  edgeNow(key: string): Promise<string>;
  edgeClaim(key: string, token: string, seconds: number): Promise<Claim>;
  edgeAdopt(numberOfKeys: number, ...keysAndValues: readonly Value[]): Promise<number>;
  edgeOpen(key: string, token: string, seconds: number): Promise<null>;
  edgeMoveCursor(key: string, ...values: readonly Value[]): Promise<string>;
}

/** Defines the atomic steps as Lua scripts. The keys of one call share a slot. */
export function edgeScripts(redis: Redis | Cluster) {
  redis.defineCommand("edgeNow", { lua: NOW, numberOfKeys: 1 });
  redis.defineCommand("edgeClaim", { lua: CLAIM, numberOfKeys: 1 });
  redis.defineCommand("edgeAdopt", { lua: ADOPT });
  redis.defineCommand("edgeOpen", { lua: OPEN, numberOfKeys: 1 });
  redis.defineCommand("edgeMoveCursor", { lua: MOVE_CURSOR, numberOfKeys: 1 });
  const commands = redis as unknown as Commands;
  return {
    now: async (key: string): Promise<number> => Number(await commands.edgeNow(key)),
    claim: (key: string, token: string, seconds: number): Promise<Claim> => commands.edgeClaim(key, token, seconds),
    adopt: async (keys: readonly string[], values: readonly Value[]): Promise<boolean> =>
      (await commands.edgeAdopt(keys.length, ...keys, ...values)) === 1,
    open: async (key: string, token: string, seconds: number): Promise<void> => {
      await commands.edgeOpen(key, token, seconds);
    },
    moveCursor: (key: string, values: readonly Value[]): Promise<string> => commands.edgeMoveCursor(key, ...values),
  };
}
