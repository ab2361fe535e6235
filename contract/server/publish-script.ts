import { EARLIEST_TIME_MS } from "../time-units.ts";
import { FROZEN_AFTER_MS, FROZEN_WHILE_MS, MAXIMUM_STALE_RUNS } from "./stale-run.ts";
import { MAXIMUM_ID_AHEAD_MS } from "./stream-clock.ts";

/** Entities whose newest version each generation of a guard holds: at least so many are guarded, at most twice as many. */
export const GUARDED_ENTITIES = 1_000;

/** Epochs that a guard knows: the one that counts, and the latest of those that it replaced. */
export const REMEMBERED_EPOCHS = 8;

/** Events of one version that a `latest` stream remembers, to tell a retry from another event of that version. */
export const REMEMBERED_EVENTS = 128;

/** Length of an event's hash in a `latest` stream, and the space after it. */
const REMEMBERED_EVENT_LENGTH = 12;

/** How long after its last use a set of seen events is kept, and the next window's set is looked at before its time. */
const CLOCK_DIFFERENCE_SECONDS = 300;

/**
 * The one step in which messages of one stream are published: check, append, tell. Runs whole or not at all as far
 * as others see, so that the order of entries and of Pub/Sub messages is the same. Time is Redis's own.
 *
 * KEYS: 1 stream · 2 index of the channel's streams (or the stream again: no index) · 3 Pub/Sub channel of the stream's
 *   room · 4 Pub/Sub channel of the whole channel's room (or 3 again: there is none). Then, where they apply, in this
 *   order: the four sets of events seen in the window two before the publisher's, one before, its own, and the next ·
 *   the two sorted sets of stale and of frozen members · the guard's two generations · the markers of the two rooms,
 *   where there is a managed edge.
 * ARGV: 1 kept entries · 2 stream lifetime in s · 3 member of the index · 4 and 5 head of the envelope for KEYS 3 and
 *   4 · 6 length of a window of seen events in s (0: the stream's newest entry remembers the events of its version) ·
 *   7 the publisher's time in ms · 8 what a message is the state of (`StateOf`) · 9 how far ahead a version that is a
 *   time may be, in ms · then per message: version, epoch (empty: the version is a time), event, entity, body.
 *   An event is a hash: a 64-bit integer for a set, else 11 characters. A body is the JSON object that clients get,
 *   without `id`, `prev` and the closing brace.
 * Returns per message its entry id, or the reason for which it was not written:
 *   `duplicate` · `stale <held version> <ms of the first stale since the last accepted one> <how long that is, in ms> <held epoch>` ·
 *   `time <Redis's ms>`: the version is no time near it · `mixed <held epoch>`: one of the two has an epoch ·
 *   `window <Redis's ms>`: the publisher's clock is too wrong to know where events are remembered.
 *   And two more: where a marker is there, the id before all of them, else empty · what was given up, else empty:
 *   `id <newest id>`, so far ahead that no other could follow; `version <held version>`, so far ahead that it was no time.
 *
 * An event counts as seen only once its entry is written, so a refused write is not lost on the retry.
 * SPUBLISH comes last: should it be refused, the entry is kept and the gateways' repair delivers it.
 * An entry: `m` body, `p` prev and, where it is the state of the stream, `v` version, `e` the events of that version and
 * `g` its epochs. A guard of entities has the version and the epochs in one text. Epochs: the one that counts, then the
 * hashes of those that it replaced, the latest first; none where the version is a time.
 */
export const publishScript = `
local stream, index, keyChannel, wholeChannel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local entries, lifetime, member, keyHead, wholeHead = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local window, stateOf, skew = tonumber(ARGV[6]), ARGV[8], tonumber(ARGV[9])
local time = redis.call('TIME')
local seconds = tonumber(time[1])
local now = seconds * 1000 + math.floor(tonumber(time[2]) / 1000)
local nowText = string.format('%.0f', now)
local results, at = {}, 4

local seen, seenBefore, seenAfter
if window > 0 then
  local present = math.floor(seconds / window)
  local shift = present - math.floor(tonumber(ARGV[7]) / 1000 / window)
  if shift < -1 or shift > 1 then
    for n = 1, (#ARGV - 9) / 5 do results[n] = 'window ' .. nowText end
    results[#results + 1] = ''
    results[#results + 1] = ''
    return results
  end
  seen, seenBefore = KEYS[7 + shift], KEYS[6 + shift]
  -- Another primary's clock may have been ahead of this one's.
  if (present + 1) * window - seconds <= ${CLOCK_DIFFERENCE_SECONDS} then seenAfter = KEYS[8 + shift] end
  if shift == 1 then seenAfter = nil end
  at = 8
end
local staleSince, frozen, hasStale, guard, guardBefore
if stateOf ~= 'nothing' then
  staleSince, frozen = KEYS[at + 1], KEYS[at + 2]
  hasStale = redis.call('EXISTS', staleSince) == 1
  at = at + 2
end
if stateOf == 'data.id' then
  guard, guardBefore = KEYS[at + 1], KEYS[at + 2]
  at = at + 2
end

local prev, reset, unusable, held, epochs, events = '0-0', '', nil, nil, '', ' '
local top = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if top then
  if stateOf == 'stream' and top[2][5] == 'v' then
    held, events, epochs = tonumber(top[2][6]), top[2][8] or ' ', top[2][10] or ''
  end
  if tonumber(string.match(top[1], '^%d+')) > now + ${MAXIMUM_ID_AHEAD_MS} then
    unusable = top[1]
    top = nil
  else
    prev = top[1]
  end
end
if not top and index ~= stream then
  redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. string.format('%.0f', now - tonumber(lifetime) * 1000))
  redis.call('ZREMRANGEBYSCORE', index, string.format('(%.0f', now + ${MAXIMUM_ID_AHEAD_MS}), '+inf')
end

local function isSeen(event)
  return redis.call('SISMEMBER', seen, event) == 1 or redis.call('SISMEMBER', seenBefore, event) == 1
    or (seenAfter and redis.call('SISMEMBER', seenAfter, event) == 1)
end

local function lookUp(entity)
  held, epochs = nil, ''
  local record = redis.call('HGET', guard, entity) or redis.call('HGET', guardBefore, entity)
  if record then
    local version, rest = string.match(record, '^(%d+) ?(.*)$')
    held, epochs = tonumber(version), rest or ''
  end
end

local function remember(entity, version)
  local record = epochs == '' and version or version .. ' ' .. epochs
  local isNew = redis.call('HSET', guard, entity, record) == 1
  redis.call('EXPIRE', guard, lifetime)
  if isNew and redis.call('HLEN', guard) >= ${GUARDED_ENTITIES} then redis.call('RENAME', guard, guardBefore) end
end

local function stale(name)
  local since = nowText
  if redis.call('ZADD', staleSince, 'NX', nowText, name) == 0 then
    since = redis.call('ZSCORE', staleSince, name)
  else
    redis.call('ZREMRANGEBYRANK', staleSince, 0, ${-MAXIMUM_STALE_RUNS - 1})
  end
  redis.call('EXPIRE', staleSince, lifetime)
  if now - tonumber(since) >= ${FROZEN_AFTER_MS} then
    redis.call('ZADD', frozen, nowText, name)
    redis.call('ZREMRANGEBYRANK', frozen, 0, ${-MAXIMUM_STALE_RUNS - 1})
    redis.call('EXPIRE', frozen, ${(FROZEN_WHILE_MS / 1_000) * 2})
  end
  hasStale = true
  local length = now - tonumber(since)
  return string.format('stale %.0f %.0f %.0f ', held, now - length, length) .. (string.match(epochs, '^%S+') or '')
end

local function hashOf(epoch)
  return string.sub(redis.sha1hex(epoch), 1, 16)
end

-- Whether the version opens or goes on in an epoch that counts; false: an epoch that was replaced.
local function takeEpoch(epoch)
  local present = string.match(epochs, '^%S+')
  if present == epoch then return true end
  if string.find(epochs .. ' ', ' ' .. hashOf(epoch) .. ' ', 1, true) then return false end
  local known = { epoch, hashOf(present) }
  for replaced in string.gmatch(string.sub(epochs, #present + 1), '%S+') do
    if #known < ${REMEMBERED_EPOCHS} then known[#known + 1] = replaced end
  end
  epochs, held, events = table.concat(known, ' '), nil, ' '
  return true
end

-- Why a version may not follow the held one; nil where it may.
local function refusal(version, epoch, event, name)
  if epoch == '' and (version < ${EARLIEST_TIME_MS} or version > now + skew) then return 'time ' .. nowText end
  if held and epochs == '' and (held < ${EARLIEST_TIME_MS} or held > now + skew + ${MAXIMUM_ID_AHEAD_MS}) then
    reset = string.format('version %.0f', held)
    held = nil
  end
  if not held then
    epochs, events = epoch, ' '
    return nil
  end
  if (epoch == '') ~= (epochs == '') then return 'mixed ' .. (string.match(epochs, '^%S+') or '') end
  if epoch ~= '' and not takeEpoch(epoch) then return stale(name) end
  if not held then return nil end
  if version < held then return stale(name) end
  if version > held then events = ' ' end
  if window == 0 and string.find(events, ' ' .. event .. ' ', 1, true) then return 'duplicate' end
  return nil
end

local before, touched = prev, false
for i = 10, #ARGV, 5 do
  local version, epoch, event, entity, body = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local name, refused = entity == '' and member or entity, nil
  if window > 0 and isSeen(event) then
    refused = 'duplicate'
  elseif stateOf ~= 'nothing' then
    if guard then lookUp(entity) end
    refused = refusal(tonumber(version), epoch, event, name)
  end
  if refused then
    results[#results + 1] = refused
  else
    if unusable then
      -- Only now: what was held decides about older versions until there is a newer one.
      redis.call('EXPIRE', stream, 0)
      reset, unusable = 'id ' .. unusable, nil
    end
    local id
    if stateOf == 'stream' then
      held = tonumber(version)
      if window == 0 then events = string.sub(events .. event .. ' ', ${-REMEMBERED_EVENTS * REMEMBERED_EVENT_LENGTH - 1}) end
      id = redis.call('XADD', stream, 'MAXLEN', entries, '*', 'm', body, 'p', prev, 'v', version, 'e', events, 'g', epochs)
    else
      id = redis.call('XADD', stream, 'MAXLEN', entries, '*', 'm', body, 'p', prev)
    end
    if window > 0 then redis.call('SADD', seen, event) end
    if guard then remember(entity, version) end
    if hasStale then
      redis.call('ZREM', staleSince, name)
      redis.call('ZREM', frozen, name)
      hasStale = guard ~= nil
    end
    if not touched then
      touched = true
      redis.call('EXPIRE', stream, lifetime)
      if window > 0 then redis.call('EXPIREAT', seen, (math.floor(seconds / window) + 2) * window + ${CLOCK_DIFFERENCE_SECONDS}) end
      if index ~= stream then
        redis.call('ZADD', index, nowText, member)
        redis.call('EXPIRE', index, lifetime)
      end
    end
    local tail = body .. ',"id":"' .. id .. '","prev":"' .. prev .. '"}]}}}'
    if wholeChannel ~= keyChannel then redis.call('SPUBLISH', wholeChannel, wholeHead .. tail) end
    redis.call('SPUBLISH', keyChannel, keyHead .. tail)
    prev = id
    results[#results + 1] = id
  end
end
local isMarked = KEYS[at + 1] and redis.call('EXISTS', KEYS[at + 1], KEYS[at + 2]) > 0
results[#results + 1] = isMarked and before or ''
results[#results + 1] = reset
return results
`;
