import { DEADLINE_LENGTH, decodeDeadline, HEAD_LENGTH, script } from './redis-scripts.js';
import type { Times } from './store.js';

/**
 * How the sessions of an owner lie in Redis. Three kinds of keys, all in one slot of a Cluster because of the braces:
 *
 * - `{owner}:<name>`, a string: the record. Its head is that of any record, followed by its times: when it was signed in (13
 *   digits, milliseconds), created and last seen (7 characters each, seconds in base 36).
 * - `{owner}:user`, a string of three times of 13 digits, in milliseconds: the owner's epoch, when all were last ended, and the latest
 *   sign-in there was. It lives as long as the longest record. Should it get lost, all records of the owner are gone: nobody could
 *   say which were revoked.
 * - `{owner}:index`, a sorted set: the names of the records by their deadline. Only a hint.
 *
 * KEYS is record, user, index in the scripts for one record, and user, index in the others, which make up the names of
 * the records themselves. Other times are in seconds since 1970, by the clock of the process that asks.
 */
export const OWNED_HEAD_LENGTH = 41;
const TIMES = /^(\d{13})([0-9a-z]{7})([0-9a-z]{7})/;
const SIGNED_IN_LENGTH = 13;

/** How long an epoch is kept at least, in seconds: whatever is under way while sessions end is over then. */
const EPOCH_TTL = 86_400;

export function encodeSeconds(milliseconds: number): string {
  return Math.floor(milliseconds / 1000)
    .toString(36)
    .padStart(DEADLINE_LENGTH, '0');
}

/** The times of a record, or null if no Sojourn wrote it. */
export function decodeTimes(value: string): Times | null {
  const found = TIMES.exec(value.slice(HEAD_LENGTH, OWNED_HEAD_LENGTH));
  if (found === null || Number.isNaN(decodeDeadline(value))) return null;
  const [, signedIn, created, seen] = found as unknown as [string, string, string, string];
  return { signedInAt: Number(signedIn), createdAt: Number.parseInt(created, 36) * 1000, seenAt: Number.parseInt(seen, 36) * 1000 };
}

/** The epoch in the value of `{owner}:user`, in milliseconds. */
export function decodeEpoch(user: string): number {
  return Number(user.slice(0, SIGNED_IN_LENGTH));
}

const COMMON = `
-- Epoch, when all were last ended, latest sign-in. No epoch: no user.
local function timesOf(key)
  local user = redis.call('GET', key)
  if not user then return nil, -1, 0 end
  return tonumber(string.sub(user, 1, 13)), tonumber(string.sub(user, 14, 26)), tonumber(string.sub(user, 27, 39))
end

local function outlive(key, ttl)
  if redis.call('PTTL', key) < ttl * 1000 then redis.call('EXPIRE', key, ttl) end
end

local function setTimes(key, epoch, endedAt, latest, ttl)
  redis.call('SET', key, string.format('%013d%013d%013d', epoch, endedAt, latest), 'KEEPTTL')
  outlive(key, ttl)
end

local function headOfLiving(key, epoch, now)
  local head = redis.call('GETRANGE', key, 0, 40)
  local deadline = tonumber(string.sub(head, 1, 7), 36)
  local signedIn = tonumber(string.sub(head, 15, 27))
  if epoch and deadline and signedIn and deadline > now and signedIn >= epoch then return head end
end

local function trim(index, now)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
end

local function forget(record, index, name)
  redis.call('ZREM', index, name)
  return redis.call('DEL', record)
end
`;

/**
 * ARGV: version, ttl, head up to the times, now, signed in at, name, deadline, limit or 0, 'refuse' or 'evict-oldest', name of the record
 * to be replaced or '', created and seen as in the head, payload, 'begins' or ''. How many were evicted if it is stored; -1 if the key is taken, -2 if all that signed in then were revoked, -3
 * if the limit refuses it.
 */
export const enter = script(`${COMMON}
local now, ttl, signedIn = tonumber(ARGV[4]), tonumber(ARGV[2]), tonumber(ARGV[5])

local function refuse(why)
  -- A replica must answer READONLY, instead of something that it may not know.
  trim(KEYS[3], now)
  return why
end

if redis.call('GETRANGE', KEYS[1], 7, 13) == ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[1]) == 1 then return refuse(-1) end

local epoch, endedAt, latest = timesOf(KEYS[2])
if ARGV[13] == '' then
  if not epoch or signedIn < epoch then return refuse(-2) end
else
  if signedIn <= endedAt then return refuse(-2) end
  -- The epoch may be ahead of all clocks but one.
  epoch = epoch or signedIn
  signedIn = math.max(signedIn, epoch)
end

local evicted = {}
local limit = tonumber(ARGV[8])
if limit > 0 then
  local base = string.sub(KEYS[1], 1, -string.len(ARGV[6]) - 1)
  local others = {}
  for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    local head = name ~= ARGV[10] and headOfLiving(base .. name, epoch, now)
    if head then table.insert(others, { name = name, key = base .. name, since = string.sub(head, 28, 34) .. string.sub(head, 15, 27) }) end
  end
  if #others >= limit then
    if ARGV[9] == 'refuse' then return refuse(-3) end
    table.sort(others, function(a, b) return a.since < b.since end)
    for i = 1, #others - limit + 1 do table.insert(evicted, others[i]) end
  end
end

-- First of all that is written: it is what Redis refuses when its memory is full.
redis.call('SET', KEYS[1], ARGV[3] .. string.format('%013d', signedIn) .. ARGV[11] .. ARGV[12], 'EX', ttl)
trim(KEYS[3], now)
redis.call('ZADD', KEYS[3], ARGV[7], ARGV[6])
-- What is about to be retired counts no more; should that fail, its next write brings it back.
if ARGV[10] ~= '' then redis.call('ZREM', KEYS[3], ARGV[10]) end
outlive(KEYS[3], ttl)
setTimes(KEYS[2], epoch, math.max(endedAt, 0), math.max(latest, signedIn), ttl)
for _, other in ipairs(evicted) do forget(other.key, KEYS[3], other.name) end
return #evicted
`);

/**
 * ARGV: expected version, new version, ttl, deadline as in the head, payload, now, name, deadline, seen as in the head. 1 if
 * written, 0 if the record is gone, else the record that is there. When it was signed in and created stays.
 */
export const update = script(`${COMMON}
local now, ttl = tonumber(ARGV[6]), tonumber(ARGV[3])
local head = headOfLiving(KEYS[1], timesOf(KEYS[2]), now)
if not head then
  forget(KEYS[1], KEYS[3], ARGV[7])
  return 0
end
local version = string.sub(head, 8, 14)
if version == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[4] .. ARGV[2] .. string.sub(head, 15, 34) .. ARGV[9] .. ARGV[5], 'EX', ttl)
  trim(KEYS[3], now)
  if ARGV[5] == '' then redis.call('ZREM', KEYS[3], ARGV[7]) else redis.call('ZADD', KEYS[3], ARGV[8], ARGV[7]) end
  outlive(KEYS[2], ttl)
  outlive(KEYS[3], ttl)
  return 1
end
if version == ARGV[2] then return 1 end
return redis.call('GET', KEYS[1])
`);

/** ARGV: ttl, deadline as in the head, now, version or '', name, deadline, seen as in the head. 1 if a live record has a new time to live. */
export const touch = script(`${COMMON}
local ttl = tonumber(ARGV[1])
local head = headOfLiving(KEYS[1], timesOf(KEYS[2]), tonumber(ARGV[3]))
if not head or redis.call('STRLEN', KEYS[1]) <= ${OWNED_HEAD_LENGTH} then return 0 end
if ARGV[4] ~= '' and string.sub(head, 8, 14) ~= ARGV[4] then return 0 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[2])
redis.call('SETRANGE', KEYS[1], 34, ARGV[7])
redis.call('EXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[5])
outlive(KEYS[2], ttl)
outlive(KEYS[3], ttl)
return 1
`);

/** ARGV: now, seen as in the head, name. 1 if noted, 0 if there is no live record. An index that lost the name has it again. */
export const see = script(`${COMMON}
local head = headOfLiving(KEYS[1], timesOf(KEYS[2]), tonumber(ARGV[1]))
if not head or redis.call('STRLEN', KEYS[1]) <= ${OWNED_HEAD_LENGTH} then return 0 end
redis.call('SETRANGE', KEYS[1], 34, ARGV[2])
redis.call('ZADD', KEYS[3], tonumber(string.sub(head, 1, 7), 36), ARGV[3])
outlive(KEYS[3], math.ceil(redis.call('PTTL', KEYS[1]) / 1000))
return 1
`);

/** ARGV: name. 1 if there was something. */
export const end = script(`${COMMON}
return forget(KEYS[1], KEYS[3], ARGV[1])
`);

/** ARGV: now. Names and values, one after the other. What isn't there stays in the index: in a Cluster it may be on its way from another node. */
export const list = script(`${COMMON}
local now = tonumber(ARGV[1])
trim(KEYS[2], now)
local base = string.sub(KEYS[2], 1, -string.len('index') - 1)
local epoch = timesOf(KEYS[1])
local found = {}
for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if headOfLiving(base .. name, epoch, now) then
    table.insert(found, name)
    table.insert(found, redis.call('GET', base .. name))
  end
end
return found
`);

/**
 * KEYS: user, index, and the record that stays, if one is to. ARGV: now in milliseconds, its name. How many live records ended, and the
 * new epoch. It is later than every sign-in there was, whatever clock that went by; a sign-in that is still to come must be
 * later than now only.
 *
 * The new epoch is what counts, so it is set before anything is tidied up.
 */
export const endAll = script(`${COMMON}
local milliseconds = tonumber(ARGV[1])
local now = math.floor(milliseconds / 1000)
local epoch, endedAt, latest = timesOf(KEYS[1])
local nextEpoch = math.max(milliseconds, epoch or 0, latest) + 1
local kept = KEYS[3] and redis.call('STRLEN', KEYS[3]) > ${OWNED_HEAD_LENGTH} and headOfLiving(KEYS[3], epoch, now)
-- Frees memory, so Redis allows it when its memory is full; and what follows in the same script as well.
trim(KEYS[2], now)
if kept then redis.call('SETRANGE', KEYS[3], 14, string.format('%013d', nextEpoch)) end
setTimes(KEYS[1], nextEpoch, math.max(milliseconds, endedAt), nextEpoch, ${EPOCH_TTL})

local base = string.sub(KEYS[2], 1, -string.len('index') - 1)
local ended = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if not (kept and name == ARGV[2]) then
    if headOfLiving(base .. name, epoch, now) then ended = ended + 1 end
    forget(base .. name, KEYS[2], name)
  end
end
if kept then
  redis.call('ZADD', KEYS[2], tonumber(string.sub(kept, 1, 7), 36), ARGV[2])
  outlive(KEYS[2], math.ceil(redis.call('PTTL', KEYS[3]) / 1000))
end
return { ended, nextEpoch }
`);

/** The names that lead to no living record leave the index; how many. Goes by no clock but that of Redis, which expires the records. */
export const trim = script(`${COMMON}
local base = string.sub(KEYS[2], 1, -string.len('index') - 1)
local epoch = timesOf(KEYS[1])
local trimmed = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if not headOfLiving(base .. name, epoch, 0) then trimmed = trimmed + redis.call('ZREM', KEYS[2], name) end
end
return trimmed
`);

/** 1 if the record had ended with all others of its owner, and is deleted now. Its name, if it is in the index, is for `trim`. */
export const sweep = script(`${COMMON}
if headOfLiving(KEYS[1], timesOf(KEYS[2]), 0) then return 0 end
return redis.call('DEL', KEYS[1])
`);
