import {
  EXPIRY_KEY,
  expiresAtBrowserClose,
  expiryAge,
  expiryTime,
  MAX_COOKIE_AGE,
  problemWithAge,
  readCustomExpiry,
  toCustomExpiry,
  toSeconds,
  wholeSeconds,
} from '../src/expiry.js';

const NOW = 1_700_000_000_000;
const POLICY = 1_209_600;

test("the expiry is kept under Django's name", () => {
  expect(EXPIRY_KEY).toBe('_session_expiry');
});

describe('a duration', () => {
  test.each([
    [60, 60],
    [0, 0],
    [-5, -5],
    [1.5, 1.5],
    [{ seconds: 1 }, 1],
    [{ minutes: 1 }, 60],
    [{ hours: 1 }, 3600],
    [{ days: 14 }, POLICY],
    [{ days: 1, hours: 1, minutes: 1, seconds: 1 }, 90_061],
    [{ hours: 1, minutes: -30 }, 1800],
    [{ hours: 0.5 }, 1800],
  ])('%j is %d seconds', (duration, seconds) => {
    expect(toSeconds(duration)).toBe(seconds);
  });

  test.each([
    ['a text', '14 days'],
    ['null', null],
    ['undefined', undefined],
    ['nothing in it', {}],
    ['an unknown part', { weeks: 2 }],
    ['an inherited name', { constructor: 1 }],
    ['a text in it', { days: '14' }],
    ['undefined in it', { days: undefined }],
    ['a Date', new Date(NOW)],
    ['an array', [1]],
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['NaN in it', { days: Number.NaN }],
    ['Infinity in it', { days: Number.POSITIVE_INFINITY }],
    ['true', true],
  ])('is not: %s', (_, duration) => {
    expect(() => toSeconds(duration as number)).toThrow(TypeError);
  });
});

test('an age of more than 400 days is a problem, with a hint at milliseconds', () => {
  expect(problemWithAge(MAX_COOKIE_AGE)).toBeUndefined();
  expect(problemWithAge(MAX_COOKIE_AGE + 1)).toMatch(/400 days/);
  expect(problemWithAge(1_209_600_000)).toMatch(/did you mean 1209600\?/);
});

describe('what setExpiry stores', () => {
  test.each<[Parameters<typeof toCustomExpiry>[0], number | string]>([
    [60, 60],
    [0, 0],
    [-1, -1],
    [0.5, 0.5],
    [MAX_COOKIE_AGE, MAX_COOKIE_AGE],
    [new Date(NOW), '2023-11-14T22:13:20.000Z'],
    [{ hours: 2 }, '2023-11-15T00:13:20.000Z'],
    [{ seconds: -1 }, '2023-11-14T22:13:19.000Z'],
    [new Date('9999-12-31T00:00:00Z'), '9999-12-31T00:00:00.000Z'],
  ])('of %p is %p', (value, stored) => {
    expect(toCustomExpiry(value, NOW)).toBe(stored);
    expect(readCustomExpiry(stored)).toBe(stored);
  });

  test.each([
    [Number.NaN, TypeError],
    [Number.POSITIVE_INFINITY, TypeError],
    [MAX_COOKIE_AGE + 1, RangeError],
    [new Date(Number.NaN), TypeError],
    [{ days: 1e12 }, TypeError],
    [{ weeks: 1 }, TypeError],
    ['2030-01-01', TypeError],
    [undefined, TypeError],
    [true, TypeError],
  ])('%p is refused with a %p', (value, type) => {
    expect(() => toCustomExpiry(value as number, NOW)).toThrow(type as ErrorConstructor);
  });
});

test.each([[undefined], [null], ['soon'], [''], [Number.NaN], [Number.POSITIVE_INFINITY], [true], [{}], [[60]]])(
  'a damaged stored expiry counts as none: %p',
  (value) => {
    expect(readCustomExpiry(value)).toBeUndefined();
  },
);

describe("Django's rules", () => {
  const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

  test.each<[string, number | string | undefined, number]>([
    ['none: the policy', undefined, POLICY],
    ['0: the policy, as the record outlives the browser', 0, POLICY],
    ['seconds: as they are', 60, 60],
    ['negative seconds: over already', -60, -60],
    ['a fixed time: what is left of it', at(100), 100],
    ['a fixed time in the past: negative', at(-100), -100],
    ['a fraction of a second left: rounded down', at(0.5), 0],
    ['a fraction of a second over: rounded down', at(-0.5), -1],
  ])('the age with an expiry of %s', (_, expiry, age) => {
    expect(expiryAge(expiry, POLICY, NOW)).toBe(age);
  });

  test.each<[number | string | undefined, number]>([
    [undefined, NOW + POLICY * 1000],
    [0, NOW + POLICY * 1000],
    [60, NOW + 60_000],
    [at(100), NOW + 100_000],
  ])('the date with an expiry of %p', (expiry, time) => {
    expect(expiryTime(expiry, POLICY, NOW)).toBe(time);
  });

  test.each<[number | string | undefined, boolean, boolean]>([
    [undefined, false, false],
    [undefined, true, true],
    [0, false, true],
    [60, true, false],
    [at(100), true, false],
  ])('with an expiry of %p and the policy %p, the cookie ends with the browser: %p', (expiry, policy, expected) => {
    expect(expiresAtBrowserClose(expiry, policy)).toBe(expected);
  });
});

test.each([
  [60, 60],
  [60.9, 60],
  [0.2, 1],
  [0, 1],
  [-5, 1],
])('an age of %p is %d whole seconds: a living session never gets 0', (age, seconds) => {
  expect(wholeSeconds(age)).toBe(seconds);
});
