/**
 * The one step in which messages of one stream are published: guard, append, tell. Runs whole or not at all as far
 * as others see, so that the order of entries and of Pub/Sub messages is the same.
 *
 * KEYS: 1 stream · 2 index of the channel's streams (or the stream again: no index) · 3 Pub/Sub channel of the stream's
 *   room · 4 Pub/Sub channel of the whole channel's room (or 3 again: there is none) · 5 to 7 the sets of events
 *   seen in this window of time, the one before and the one after (or the stream again: the version guards) · 8 and 9,
 *   where there is a managed edge, the markers of the two rooms.
 * ARGV: 1 kept entries · 2 stream lifetime in s · 3 when KEYS 5 expires, in s since 1970 (0: the version guards) ·
 *   4 member of the index · 5 and 6 head of the envelope for KEYS 3 and 4 · then per message: version, event, body.
 *   An event is its id where the version guards, else a hash of its id as a 64-bit integer.
 *   A body is the JSON object that clients get, without `id`, `prev` and the closing brace.
 * Returns per message its entry id, `duplicate` or `stale`; where a marker is there also the id before all of them.
 *
 * An event counts as seen only once its entry is written, so a refused write is not lost on the retry.
 * SPUBLISH comes last: should it be refused, the entry is kept and the gateways' repair delivers it.
 * An entry: `m` body, `p` prev and, where the version guards, `v` version and `e` the ids of the events that had it.
 */
export const publishScript = `
local stream, index, keyChannel, wholeChannel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local seen, seenBefore, seenAfter = KEYS[5], KEYS[6], KEYS[7]
local entries, lifetime, forgetAt, member = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local keyHead, wholeHead = ARGV[5], ARGV[6]
local prev, lastVersion, lastEvents = '0-0', nil, nil

local top = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if top then
  prev = top[1]
  if forgetAt == 0 then
    lastVersion, lastEvents = tonumber(top[2][6]), top[2][8]
  end
elseif index ~= stream then
  local now = redis.call('TIME')
  redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. string.format('%.0f', (tonumber(now[1]) - tonumber(lifetime)) * 1000))
end

local function isSeen(set, event)
  return redis.call('SISMEMBER', set, event) == 1
end

local function refusal(version, event)
  if forgetAt > 0 then
    return (isSeen(seen, event) or isSeen(seenBefore, event) or isSeen(seenAfter, event)) and 'duplicate' or nil
  end
  if lastVersion == nil or version > lastVersion then
    lastEvents = ' '
    return nil
  end
  if version < lastVersion then return 'stale' end
  if string.find(lastEvents, ' ' .. event .. ' ', 1, true) then return 'duplicate' end
  return nil
end

local results, before = {}, prev -- one per message
for i = 7, #ARGV, 3 do
  local n = (i - 4) / 3
  local version, event, body = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  local refused = refusal(version, event)
  if refused then
    results[n] = refused
  else
    local id
    if forgetAt > 0 then
      id = redis.call('XADD', stream, 'MAXLEN', entries, '*', 'm', body, 'p', prev)
      redis.call('SADD', seen, event)
      redis.call('EXPIREAT', seen, forgetAt)
    else
      lastVersion = version
      lastEvents = string.sub(lastEvents .. event .. ' ', -2048)
      id = redis.call('XADD', stream, 'MAXLEN', entries, '*', 'm', body, 'p', prev, 'v', ARGV[i], 'e', lastEvents)
    end
    local tail = body .. ',"id":"' .. id .. '","prev":"' .. prev .. '"}]}}}'
    redis.call('EXPIRE', stream, lifetime)
    if index ~= stream then
      redis.call('ZADD', index, string.match(id, '^%d+'), member)
      redis.call('EXPIRE', index, lifetime)
    end
    if wholeChannel ~= keyChannel then redis.call('SPUBLISH', wholeChannel, wholeHead .. tail) end
    redis.call('SPUBLISH', keyChannel, keyHead .. tail)
    prev = id
    results[n] = id
  end
end
if KEYS[8] and redis.call('EXISTS', KEYS[8], KEYS[9]) > 0 then
  results[#results + 1] = before
end
return results
`;
