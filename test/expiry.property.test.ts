import fc from 'fast-check';
import {
  expiresAtBrowserClose,
  expiryAge,
  expiryTime,
  MAX_COOKIE_AGE,
  readCustomExpiry,
  toCustomExpiry,
  wholeSeconds,
} from '../src/expiry.js';

// The expiry rules for any number, date and moment.

const now = fc.integer({ min: 0, max: 4_000_000_000_000 });
const policy = fc.integer({ min: 1, max: MAX_COOKIE_AGE });
const seconds = fc.double({ min: -1e9, max: MAX_COOKIE_AGE, noNaN: true });
const date = fc.date({ min: new Date(0), max: new Date(8e12), noInvalidDate: true });

test('an idle expiry is the same age at every moment, and 0 is the policy', () => {
  fc.assert(
    fc.property(seconds, policy, now, (age, global, at) => {
      const expected = age === 0 ? global : age;
      expect(expiryAge(toCustomExpiry(age, at), global, at)).toBe(expected);
      expect(expiryTime(toCustomExpiry(age, at), global, at)).toBe(at + expected * 1000);
      expect(expiresAtBrowserClose(toCustomExpiry(age, at), true)).toBe(age === 0);
    }),
  );
});

test('a fixed time never moves, and its age is rounded down to whole seconds', () => {
  fc.assert(
    fc.property(date, policy, now, (time, global, at) => {
      const expiry = toCustomExpiry(time, 0);
      expect(expiryTime(expiry, global, at)).toBe(time.getTime());
      const age = expiryAge(expiry, global, at);
      expect(Number.isInteger(age)).toBe(true);
      const left = (time.getTime() - at) / 1000;
      expect(age <= left && left < age + 1).toBe(true);
    }),
  );
});

test('a duration ends where the date does that it comes to', () => {
  const parts = fc.record({ days: fc.nat({ max: 900 }), hours: fc.nat({ max: 99 }), minutes: fc.nat(999), seconds: fc.nat(9999) });
  fc.assert(
    fc.property(parts, now, (duration, at) => {
      const end = at + (duration.days * 86_400 + duration.hours * 3_600 + duration.minutes * 60 + duration.seconds) * 1000;
      expect(toCustomExpiry(duration, at)).toBe(toCustomExpiry(new Date(end), at));
    }),
  );
});

test('whatever is stored as an expiry gives an age, and a living session at least a second', () => {
  fc.assert(
    fc.property(fc.anything(), policy, now, (stored, global, at) => {
      const age = expiryAge(readCustomExpiry(stored), global, at);
      expect(Number.isFinite(age)).toBe(true);
      expect(wholeSeconds(age)).toBeGreaterThanOrEqual(1);
    }),
  );
});
