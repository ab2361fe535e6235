import { createScript } from "./publish-script.ts";

/** Most rows that one command of the script sets or removes: Lua's stack holds some 8,000 values. */
const ROWS_AT_ONCE = 1_000;

/** A change renews the lifetime of its value's hash unless the entry before it was in the same hour, and did so. */
const REFRESH_MS = 3_600_000;

/**
 * Publishes one message of a `state` channel: as `publishScript`, and keeps the value's rows in a hash.
 *
 * KEYS: after the guards, the hash · the Pub/Sub channels of the rooms of whole values, of the stream and of the whole
 *   channel (or the first again), which stock Socket.IO servers subscribe to.
 * ARGV of the message after version and epoch: `whole` or `changes` · for changes, the id of the entry that they follow
 *   (empty: any) · the sum that the rows then have (empty: unknown) · the head as JSON · most bytes that the rows may have ·
 *   bytes of a row beside its key and value · for changes without a sum, the field of the head that leaves no place for some
 *   rows (empty: none) · then per row: key, checksum and value as JSON (empty: the row is gone).
 * Four more reasons not to write: `empty`: there is no value that could be changed · `base`: the value is not the one that the
 *   changes follow, or it is damaged · `large`: with the changes, its rows would have too many bytes · `head <field>`: that
 *   field is new, and the value may have rows that do not go with it.
 *
 * The hash: `<checksum>:<value>` by row; `!head`, `!sum`, `!bytes` of the rows, and `!id` of the entry that it has come with.
 */
export const publishStateScript = createScript({
  fields: "#ARGV - 9",
  stateKeys: `
local hash, stockChannel, stockWhole, before = KEYS[at + 1], KEYS[at + 2], KEYS[at + 3], ''
at = at + 3
`,
  checkState: `
  local mode, base, sum, head = ARGV[i + 4], ARGV[i + 5], tonumber(ARGV[i + 6]), ARGV[i + 7]
  local bytes, bytesBefore, overhead = 0, nil, tonumber(ARGV[i + 9])
  if not refused and not isStale and mode == 'changes' then
    local names = { 'HMGET', hash, '!id', '!sum', '!bytes' }
    for row = i + 11, #ARGV, 3 do names[#names + 1] = ARGV[row] end
    local rows = redis.pcall(unpack(names))
    if not rows.err and not rows[1] and not top then
      refused = 'empty'
    elseif rows.err or not rows[1] or rows[1] ~= prev or (base ~= '' and base ~= prev) or not tonumber(rows[2])
      or not tonumber(rows[3]) then
      refused = 'base'
    elseif ARGV[i + 10] ~= ''
      and not string.find(redis.call('HGET', hash, '!head') or '', '"' .. ARGV[i + 10] .. '":true', 1, true) then
      refused = 'head ' .. ARGV[i + 10]
    else
      local total = tonumber(rows[2])
      bytesBefore = tonumber(rows[3])
      bytes = bytesBefore
      local place = 4
      for row = i + 11, #ARGV, 3 do
        local old, value, checksum = rows[place], ARGV[row + 2], tonumber(ARGV[row + 1])
        place = place + 1
        if old then
          local sumBefore, separator = string.match(old, '^(%d+)():')
          if sumBefore then
            bytes = bytes - #ARGV[row] - (#old - separator) - overhead
            checksum = checksum - tonumber(sumBefore)
          end
        end
        if value ~= '' then bytes = bytes + #ARGV[row] + #value + overhead end
        total = total + checksum
      end
      total = total % 4294967296
      if sum and sum ~= total then refused = 'base' elseif bytes > tonumber(ARGV[i + 8]) then refused = 'large' end
      sum = total
    end
  elseif not refused and not isStale then
    for row = i + 11, #ARGV, 3 do bytes = bytes + #ARGV[row] + #ARGV[row + 2] + overhead end
  end
  local sumText
  if not refused and not isStale then
    sumText = string.format('%.0f', sum)
    body = body .. ',"sum":' .. sumText
  end
`,
  // What came before a whole value is of no use any more, and may be as large.
  kept: "(mode == 'whole' and 1 or ARGV[1])",
  writeState: `
    before = prev
    if mode == 'whole' then redis.call('EXPIRE', hash, 0) end
    local set, gone = { 'HSET', hash, '!id', id, '!sum', sumText, '!head', head }, { 'HDEL', hash }
    if bytes ~= bytesBefore then
      set[9], set[10] = '!bytes', bytes
    end
    for row = i + 11, #ARGV, 3 do
      if ARGV[row + 2] == '' then
        gone[#gone + 1] = ARGV[row]
      else
        set[#set + 1] = ARGV[row]
        set[#set + 1] = ARGV[row + 1] .. ':' .. ARGV[row + 2]
      end
      if #set > ${2 * ROWS_AT_ONCE} then
        redis.call(unpack(set))
        set = { 'HSET', hash }
      end
      if #gone > ${2 * ROWS_AT_ONCE} then
        redis.call(unpack(gone))
        gone = { 'HDEL', hash }
      end
    end
    if #set > 2 then redis.call(unpack(set)) end
    if #gone > 2 then redis.call(unpack(gone)) end
    if mode == 'whole' or math.floor(tonumber(string.match(prev, '^%d+')) / ${REFRESH_MS}) ~= math.floor(now / ${REFRESH_MS}) then
      redis.call('EXPIRE', hash, ARGV[2] + ${REFRESH_MS / 1_000})
    end
    local stock = redis.call('PUBSUB', 'SHARDNUMSUB', stockChannel, stockWhole)
    if stock[2] + stock[4] == 0 then before = '' end
`,
  close: '"}',
  stock: "before",
});

/**
 * Sends the whole value of a state channel to stock Socket.IO servers, unless a newer one is out.
 *
 * KEYS: the hash · the Pub/Sub channels of the rooms of whole values, as above. ARGV: the id of the value's entry · the
 *   message for each of the two.
 */
export const broadcastWholeScript = `
if redis.call('HGET', KEYS[1], '!id') ~= ARGV[1] then return 0 end
if KEYS[3] ~= KEYS[2] then redis.call('SPUBLISH', KEYS[3], ARGV[3]) end
return redis.call('SPUBLISH', KEYS[2], ARGV[2])
`;
