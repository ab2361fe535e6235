import { EARLIEST_TIME_MS } from "../../contract/time-units.ts";
import { FROZEN_AFTER_MS, FROZEN_WHILE_MS, MAXIMUM_STALE_RUNS } from "./stale-run.ts";
import { MAXIMUM_ID_AHEAD_MS } from "./stream-clock.ts";

/** Entities in each of the two generations of a guard: between this number and twice as many are guarded. */
export const GUARDED_ENTITIES = 1_000;

/** Epochs that a guard remembers: the current one, and the latest of those that it replaced. */
export const REMEMBERED_EPOCHS = 8;

/** Events of one version that a `latest` stream remembers, to tell a retry from another event of that version. */
export const REMEMBERED_EVENTS = 128;

/** Length of an event's hash in a `latest` stream, and the space after it. */
const REMEMBERED_EVENT_LENGTH = 12;

/** Hexadecimal digits of an event's hash that its entry's id is raised by while Redis's clock is behind the stream. */
const ID_STEP_DIGITS = 5;

/** Most that the clocks of two primaries may differ, in s: sets of seen events are kept, and read early, for that long. */
const CLOCK_DIFFERENCE_SECONDS = 300;

/**
 * The script that publishes messages of one stream in one atomic step: check, append, SPUBLISH. So entries and Pub/Sub messages have the
 * same order. Time is Redis's own.
 *
 * KEYS: 1 stream · 2 index of the channel's streams (or the stream again: no index) · 3 Pub/Sub channel of the stream's
 *   room · 4 Pub/Sub channel of the whole channel's room (or 3 again: there is none). Then, where they apply, in this
 *   order: the four sets of events seen in the window two before the publisher's, one before, its own, and the next ·
 *   the two sorted sets of stale and of frozen members · the guard's two generations · the markers of the two rooms,
 *   where there is a managed edge.
 * ARGV: 1 kept entries · 2 stream lifetime in s · 3 member of the index · 4 and 5 head of the envelope for KEYS 3 and
 *   4 (empty on a `state` channel: what goes there is the entry itself, which no stock server reads) · 6 length of a window of seen events in s (0: the stream's newest entry remembers the events of its version) ·
 *   7 the publisher's time in ms · 8 what a message is the state of (`StateOf`) · 9 how far ahead a version that is a
 *   time may be, in ms · then per message: event, body; unless it is the state of nothing, version and epoch (empty: the
 *   version is a time); if it is the state of `data.id`, that.
 *   An event is a hash: a 64-bit integer for a set, else 11 characters. A body is the JSON object that clients get,
 *   without `id`, `prev` and the closing brace.
 * Returns per message its entry id, or the reason for which it was not written:
 *   `duplicate` · `stale <held version> <ms of the first stale since the last accepted one> <how long that is, in ms> <held epoch>` ·
 *   `time <Redis's ms>`: the version is not a time near it · `mixed <held epoch>`: only one of the two versions has an epoch ·
 *   `window <Redis's ms>`: the publisher's clock is too wrong to find the sets of seen events.
 *   And, if one of them is not empty, three more: `1` where a marker exists · why the stream was started anew:
 *   `id <newest id>`, too far ahead for any other to follow; `version <held version>`, too far ahead to be a time · the id
 *   before the new entry's, where a stock server is to get the whole value of a state channel.
 *
 * Ids are Redis's own (`*`). Where its clock is behind the stream's newest entry they go up by a step that depends on the
 * event: a clock that was set back and a failover together must not give one id to two messages.
 *
 * An event counts as seen only once its entry is written, so a refused write is not lost on the retry.
 * SPUBLISH comes last: where it is refused, the entry is kept and the gateways' repair delivers it.
 * An entry: `m` body, `p` prev and, where it is the state of the stream, `v` version, `e` the events of that version and
 * `g` its epochs. A guard of entities has the version and the epochs in one text. Epochs: the current one, then the hashes
 * of those that it replaced, the latest first; none where the version is a time.
 */
export const createScript = ({
  fields,
  stateKeys,
  checkState,
  kept,
  writeState,
  close,
  stock,
}: ScriptParts): string => `
local stream, index, keyChannel, wholeChannel = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local member, window, stateOf = ARGV[3], tonumber(ARGV[6]), ARGV[8]
local time = redis.call('TIME')
local seconds = tonumber(time[1])
local now = seconds * 1000 + math.floor(tonumber(time[2]) / 1000)
local results, at = {}, 4
-- Of each message: event and body; where versions are compared, version and epoch; where of entities, the entity.
local fields = ${fields}

local seen, seenBefore, seenAfter, present
if window > 0 then
  present = math.floor(seconds / window)
  local shift = present - math.floor(tonumber(ARGV[7]) / 1000 / window)
  if shift < -1 or shift > 1 then
    for n = 1, (#ARGV - 9) / fields do results[n] = string.format('window %.0f', now) end
    return results
  end
  seen, seenBefore = KEYS[7 + shift], KEYS[6 + shift]
  -- The clock of the primary before this one may have been ahead.
  if shift < 1 and (present + 1) * window - seconds <= ${CLOCK_DIFFERENCE_SECONDS} then seenAfter = KEYS[8 + shift] end
  at = 8
end
local staleSince, frozen, hasStale, guard, guardBefore
if stateOf ~= 'nothing' then
  staleSince, frozen = KEYS[at + 1], KEYS[at + 2]
  hasStale = redis.call('EXISTS', staleSince) == 1
  at = at + 2
  if stateOf == 'data.id' then
    guard, guardBefore = KEYS[at + 1], KEYS[at + 2]
    at = at + 2
  end
end
${stateKeys}
local prev, reset, unusable, behind, held, epochs, events = '0-0', '', nil, nil, nil, '', ' '
local top = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if top then
  if stateOf == 'stream' and top[2][5] == 'v' then
    held, events, epochs = tonumber(top[2][6]), top[2][8] or ' ', top[2][10] or ''
  end
  local topTime = tonumber(string.match(top[1], '^%d+'))
  if topTime > now + ${MAXIMUM_ID_AHEAD_MS} then
    unusable = top[1]
    top = nil
  else
    prev = top[1]
    if topTime > now then behind = topTime end
  end
end
if not top and index ~= stream then
  redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('(%.0f', now - tonumber(ARGV[2]) * 1000))
  redis.call('ZREMRANGEBYSCORE', index, string.format('(%.0f', now + ${MAXIMUM_ID_AHEAD_MS}), '+inf')
end

local touched = false
for i = 10, #ARGV, fields do
  local event, body, version, epoch, entity = ARGV[i], ARGV[i + 1], nil, nil, nil
  if fields > 2 then version, epoch = ARGV[i + 2], ARGV[i + 3] end
  if guard then entity = ARGV[i + 4] end
  local refused, isStale = nil, false
  if window > 0 and (redis.call('SISMEMBER', seen, event) == 1 or redis.call('SISMEMBER', seenBefore, event) == 1
    or (seenAfter and redis.call('SISMEMBER', seenAfter, event) == 1)) then
    refused = 'duplicate'
  elseif stateOf ~= 'nothing' then
    local number = tonumber(version)
    if guard then
      held, epochs = nil, ''
      local record = redis.call('HGET', guard, entity) or redis.call('HGET', guardBefore, entity)
      if record then
        local text, rest = string.match(record, '^(%d+) ?(.*)$')
        held, epochs = tonumber(text), rest or ''
      end
    end
    if epoch == '' and (number < ${EARLIEST_TIME_MS} or number > now + tonumber(ARGV[9])) then
      refused = string.format('time %.0f', now)
    else
      if held and epochs == '' and (held < ${EARLIEST_TIME_MS} or held > now + tonumber(ARGV[9]) + ${MAXIMUM_ID_AHEAD_MS}) then
        reset = string.format('version %.0f', held)
        held = nil
      end
      local newest = epochs ~= '' and string.match(epochs, '^%S+') or ''
      if not held then
        epochs, events = epoch, ' '
      elseif (epoch == '') ~= (newest == '') then
        refused = 'mixed ' .. newest
      elseif epoch == newest then
        if number < held then
          isStale = true
        elseif number > held then
          events = ' '
        elseif window == 0 and string.find(events, ' ' .. event .. ' ', 1, true) then
          refused = 'duplicate'
        end
      elseif string.find(epochs .. ' ', ' ' .. string.sub(redis.sha1hex(epoch), 1, 16) .. ' ', 1, true) then
        isStale = true
      else
        local known = { epoch, string.sub(redis.sha1hex(newest), 1, 16) }
        for replaced in string.gmatch(string.sub(epochs, #newest + 1), '%S+') do
          if #known < ${REMEMBERED_EPOCHS} then known[#known + 1] = replaced end
        end
        epochs, events = table.concat(known, ' '), ' '
      end
    end
  end
${checkState}
  local name = entity or member
  if isStale then
    local since = now
    if redis.call('ZADD', staleSince, 'NX', string.format('%.0f', now), name) == 0 then
      since = tonumber(redis.call('ZSCORE', staleSince, name))
    else
      redis.call('ZREMRANGEBYRANK', staleSince, 0, ${-MAXIMUM_STALE_RUNS - 1})
    end
    redis.call('EXPIRE', staleSince, ARGV[2])
    if now - since >= ${FROZEN_AFTER_MS} then
      redis.call('ZADD', frozen, string.format('%.0f', now), name)
      redis.call('ZREMRANGEBYRANK', frozen, 0, ${-MAXIMUM_STALE_RUNS - 1})
      redis.call('EXPIRE', frozen, ${(FROZEN_WHILE_MS / 1_000) * 2})
    end
    hasStale = true
    refused = string.format('stale %.0f %.0f %.0f ', held, since, now - since) .. (string.match(epochs, '^%S+') or '')
  end
  if refused then
    results[#results + 1] = refused
  else
    if unusable then
      -- Only now: the held version decides about older ones until there is a newer one.
      redis.call('EXPIRE', stream, 0)
      reset, unusable = 'id ' .. unusable, nil
    end
    local id, nextId = nil, '*'
    if behind then
      -- After a failover that lost entries, counting by one would give their ids to other messages.
      local step = tonumber(string.sub(redis.sha1hex(event), 1, ${ID_STEP_DIGITS}), 16) + 1
      nextId = string.format('%.0f-%.0f', behind, tonumber(string.match(prev, '%d+$')) + step)
    end
    if stateOf == 'stream' then
      held = tonumber(version)
      if window == 0 then events = string.sub(events .. event .. ' ', ${-REMEMBERED_EVENTS * REMEMBERED_EVENT_LENGTH - 1}) end
      id = redis.call('XADD', stream, 'MAXLEN', ${kept}, nextId, 'm', body, 'p', prev, 'v', version, 'e', events, 'g', epochs)
    else
      id = redis.call('XADD', stream, 'MAXLEN', ARGV[1], nextId, 'm', body, 'p', prev)
    end
    if window > 0 then redis.call('SADD', seen, event) end
    if guard then
      local isNew = redis.call('HSET', guard, entity, epochs == '' and version or version .. ' ' .. epochs) == 1
      redis.call('EXPIRE', guard, ARGV[2])
      if isNew and redis.call('HLEN', guard) >= ${GUARDED_ENTITIES} then redis.call('RENAME', guard, guardBefore) end
    end
    if hasStale then
      redis.call('ZREM', staleSince, name)
      redis.call('ZREM', frozen, name)
      hasStale = guard ~= nil
    end
    if not touched then
      touched = true
      redis.call('EXPIRE', stream, ARGV[2])
      if window > 0 then redis.call('EXPIREAT', seen, (present + 2) * window + ${CLOCK_DIFFERENCE_SECONDS}) end
      if index ~= stream then
        redis.call('ZADD', index, string.format('%.0f', now), member)
        redis.call('EXPIRE', index, ARGV[2])
      end
    end
${writeState}
    local tail = body .. ',"id":"' .. id .. '","prev":"' .. prev .. '${close}'
    if wholeChannel ~= keyChannel then redis.call('SPUBLISH', wholeChannel, ARGV[5] .. tail) end
    redis.call('SPUBLISH', keyChannel, ARGV[4] .. tail)
    prev = id
    results[#results + 1] = id
  end
end
local isMarked = KEYS[at + 1] and redis.call('EXISTS', KEYS[at + 1], KEYS[at + 2]) > 0
local stockPrev = ${stock}
if isMarked or reset ~= '' or stockPrev ~= '' then
  results[#results + 1] = isMarked and '1' or ''
  results[#results + 1] = reset
  results[#results + 1] = stockPrev
end
return results
`;

/** The parts in which the scripts differ. */
export interface ScriptParts {
  /** The number of arguments of each message. */
  readonly fields: string;
  /** Finds the keys of the state. */
  readonly stateKeys: string;
  /** Refuses a change that does not fit the state; completes the body. */
  readonly checkState: string;
  /** The number of entries that the stream keeps, of one that is a state. */
  readonly kept: string;
  /** Writes the state that the new entry leads to. */
  readonly writeState: string;
  /** The end of what goes to a Pub/Sub channel, after the last id. */
  readonly close: string;
  /** The id before the new entry's, where a stock server is to get the whole value; else the empty text. */
  readonly stock: string;
}

/** Publishes messages of a channel whose messages are whole. */
export const publishScript = createScript({
  fields: "stateOf == 'nothing' and 2 or stateOf == 'stream' and 4 or 5",
  stateKeys: "",
  checkState: "",
  kept: "ARGV[1]",
  writeState: "",
  close: '"}]}}}',
  stock: "''",
});
