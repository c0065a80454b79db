import { hash } from 'node:crypto';

/**
 * How a session lies in Redis, and the scripts that write it.
 *
 * The value is `<deadline><version><payload>`: 7 characters of deadline (seconds since 1970, base 36), 7 of version,
 * and the text the codec wrote. A marker has no payload. The head has a fixed width so that a script finds the
 * version without reading the rest, and it is short because every session carries it.
 *
 * Each script touches one key: KEYS[1] is the session. Times are seconds since 1970, by the clock of the process that asks.
 * A user's sessions have more to them: `owned-scripts.ts`.
 */
export const DEADLINE_LENGTH = 7;
export const HEAD_LENGTH = 14;
const LAST_DEADLINE = 36 ** DEADLINE_LENGTH - 1;
const HEAD = /^[0-9a-z]{7}[\w-]{7}/;

export interface Script {
  lua: string;
  sha: string;
}

export function script(lua: string): Script {
  return { lua, sha: hash('sha1', lua) };
}

/**
 * The deadline of a record in whole seconds, rounded up: it never ends a session early. A fixed expiry may lie in the
 * year 9999, but the head has its width; the last time it can hold is in the year 4453.
 */
export function encodeDeadline(seconds: number): string {
  return Math.min(Math.ceil(seconds), LAST_DEADLINE).toString(36).padStart(DEADLINE_LENGTH, '0');
}

/** The deadline in seconds, or NaN for a value that no Sojourn wrote. */
export function decodeDeadline(value: string): number {
  return HEAD.test(value) ? Number.parseInt(value.slice(0, DEADLINE_LENGTH), 36) : Number.NaN;
}

/**
 * ARGV: version, ttl, value. 1 if stored, 0 if the key is taken. A client that sends the same call again after a
 * reconnect finds its own version and hears 1.
 */
export const create = script(`
if redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2], 'NX') then return 1 end
if redis.call('GETRANGE', KEYS[1], 7, 13) == ARGV[1] then return 1 end
return 0
`);

/**
 * ARGV: expected version, new version, ttl, value, now. 1 if written, 0 if the record is gone, else the record that is
 * there. A record is gone as well when its own deadline has passed, even if somebody took the key's time to live away.
 *
 * The DEL is done where nothing is there, too: a node that was demoted to a replica must answer READONLY, not "gone",
 * which would log people out.
 */
export const update = script(`
local head = redis.call('GETRANGE', KEYS[1], 0, 13)
local version = string.sub(head, 8)
local deadline = tonumber(string.sub(head, 1, 7), 36)
if head == '' or (deadline and deadline <= tonumber(ARGV[5])) then
  redis.call('DEL', KEYS[1])
  return 0
end
if version == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[4], 'EX', ARGV[3])
  return 1
end
if version == ARGV[2] then return 1 end
return redis.call('GET', KEYS[1])
`);

/**
 * ARGV: ttl, deadline, now, version or ''. 1 if a live record has a new time to live; 0 if there is none, or only a
 * marker, or one of another version.
 */
export const touch = script(`
if redis.call('STRLEN', KEYS[1]) <= 14 then return 0 end
local head = redis.call('GETRANGE', KEYS[1], 0, 13)
local deadline = tonumber(string.sub(head, 1, 7), 36)
if not deadline or deadline <= tonumber(ARGV[3]) then return 0 end
if ARGV[4] ~= '' and string.sub(head, 8) ~= ARGV[4] then return 0 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[2])
return redis.call('EXPIRE', KEYS[1], ARGV[1])
`);
