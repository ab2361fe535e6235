import type { Cluster, Redis } from "ioredis";

/**
 * What a subscriber of a whole channel finds:
 * - `first`: nobody else listens, and it holds the right to set cursors until `open` (others wait)
 * - `busy`: another one holds that right
 * - `open`: others listen
 */
export type Claim = "first" | "busy" | "open";

/** By the clock of the node that gives the stream's entries their ids, in ms since 1970. */
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

/** KEYS: the marker of the whole channel, then of each stream its cursor and its marker. ARGV: token, seconds, cursors. */
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

/** KEYS: a cursor. ARGV: what it was ('' for nothing), what it is to be, seconds. Returns what it was. */
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

/** The steps that have to be one, as Lua. Those that other streams' fan-outs must not come between hold one slot. */
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
