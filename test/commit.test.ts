import { decide, type Facts, type Outcome } from '../src/commit.ts';

/** A session without a cookie that nobody touched, and a good response. */
const UNTOUCHED: Facts = {
  accessed: false,
  modified: false,
  changed: false,
  empty: true,
  stored: false,
  keyPending: false,
  cycled: false,
  flushed: false,
  retired: false,
  savedByHand: false,
  expired: false,
  blocked: null,
  headersSent: false,
  status: 200,
  saveEveryRequest: false,
};
const READ: Facts = { ...UNTOUCHED, accessed: true };
/** One that came with its cookie, loaded and not touched. */
const KNOWN: Facts = { ...UNTOUCHED, stored: true, empty: false };
/** The first data of a visitor. */
const NEW: Facts = { ...READ, modified: true, changed: true, empty: false };
const CHANGED: Facts = { ...NEW, stored: true };
/** `cycleKey()` of a stored session. */
const CYCLED: Facts = { ...CHANGED, stored: false, keyPending: true, cycled: true };
const FLUSHED: Facts = { ...READ, modified: true, flushed: true };
/** `flush()`, and then new data. */
const STARTED_ANEW: Facts = { ...FLUSHED, changed: true, empty: false };
/** Stored by the handler's own `save()` or `create()`. */
const SAVED: Facts = { ...KNOWN, accessed: true, modified: true, savedByHand: true };

const TABLE: [facts: string, Facts, Outcome][] = [
  ['nobody touched it', UNTOUCHED, 'untouched'],
  ['it is known and nobody touched it', KNOWN, 'untouched'],
  ['it was read', READ, 'read'],
  ['it is known and was read', { ...KNOWN, accessed: true }, 'read'],
  ['it was read under an error', { ...KNOWN, accessed: true, status: 500 }, 'read'],

  ['it has its first data', NEW, 'create'],
  ['it has its first data under a client error', { ...NEW, status: 499 }, 'create'],
  ['create() failed before, and the key is still to be used', { ...NEW, changed: false, keyPending: true }, 'create'],
  ['it has its first data under a server error', { ...NEW, status: 500 }, 'failed'],
  ['it was emptied before it was stored', { ...NEW, empty: true }, 'empty'],
  ['it has its first data, and they are over already', { ...NEW, expired: true }, 'expire'],
  ['its first cookie would be lost on an insecure connection', { ...NEW, blocked: 'insecure' }, 'blocked'],
  ['its first cookie comes too late', { ...NEW, blocked: 'headers-sent', headersSent: true }, 'blocked'],

  ['its data changed', CHANGED, 'update'],

  ['its data changed on an insecure connection', { ...CHANGED, blocked: 'insecure' }, 'update'],
  ['its data changed after the headers', { ...CHANGED, blocked: 'headers-sent', headersSent: true }, 'update'],
  ['its data changed under a server error', { ...CHANGED, status: 503 }, 'failed'],
  ['its time is over', { ...CHANGED, expired: true }, 'expire'],
  ['its time is over under a server error', { ...CHANGED, expired: true, status: 500 }, 'failed'],

  ['its key was cycled', CYCLED, 'cycle'],
  ['its key was cycled and nothing else', { ...CYCLED, changed: false }, 'cycle'],
  ['its key was cycled under a server error', { ...CYCLED, status: 500 }, 'failed'],
  ['its key was cycled on an insecure connection', { ...CYCLED, blocked: 'insecure' }, 'blocked'],
  ['its key was cycled after the headers', { ...CYCLED, blocked: 'headers-sent', headersSent: true }, 'blocked'],
  ['its key was cycled and its time is over', { ...CYCLED, expired: true }, 'expire'],

  ['it was flushed', FLUSHED, 'flush'],
  ['it was flushed under a server error', { ...FLUSHED, status: 500 }, 'flush'],
  ['it was flushed after the headers', { ...FLUSHED, blocked: 'headers-sent', headersSent: true }, 'flush'],
  ['it was flushed on an insecure connection', { ...FLUSHED, blocked: 'insecure' }, 'flush'],
  ['it was flushed and started anew', STARTED_ANEW, 'replace'],
  ['it was flushed and started anew under a server error', { ...STARTED_ANEW, status: 500 }, 'flush-failed'],
  ['it was flushed, and what was set then was forgotten', { ...STARTED_ANEW, modified: false, changed: false }, 'flush-failed'],
  ['it was flushed and started anew on an insecure connection', { ...STARTED_ANEW, blocked: 'insecure' }, 'flush-blocked'],
  ['it was flushed and started anew with a time that is over', { ...STARTED_ANEW, expired: true }, 'flush'],
  [
    'it was flushed, started anew and saved by hand when its time was over',
    { ...STARTED_ANEW, changed: false, savedByHand: true },
    'flush',
  ],
  ['it was flushed, started anew and saved by hand', { ...SAVED, flushed: true }, 'saved'],

  ['it was saved by hand', SAVED, 'saved'],
  ['it was saved by hand under a server error', { ...SAVED, status: 500 }, 'saved'],
  ['it was saved by hand and not changed by this request', { ...SAVED, modified: false }, 'read'],
  ['it was saved by hand and changed since', { ...SAVED, changed: true }, 'update'],
  ['it was saved by hand and changed since under a server error', { ...SAVED, changed: true, status: 500 }, 'saved'],
  ['it was saved by hand and cycled since under a server error', { ...CYCLED, savedByHand: true, status: 500 }, 'saved'],
  ['its save by hand failed, under a server error', { ...NEW, savedByHand: true, keyPending: true, status: 500 }, 'failed'],

  ['its key was cycled by another request and its data changed', { ...NEW, retired: true }, 'interrupted'],
  ['its key was cycled by another request and it was read', { ...READ, retired: true }, 'read'],
  ['its key was cycled by another request, its data changed, and that failed', { ...NEW, retired: true, status: 500 }, 'failed'],

  ['it is renewed with every request', { ...KNOWN, saveEveryRequest: true }, 'touch'],
  ['it is renewed with every request and changed', { ...CHANGED, saveEveryRequest: true }, 'update'],
  ['there is nothing to renew', { ...UNTOUCHED, saveEveryRequest: true }, 'untouched'],
  ['it is renewed with every request, but not under a server error', { ...KNOWN, saveEveryRequest: true, status: 500 }, 'untouched'],
  ['it was renewed when the headers left', { ...KNOWN, saveEveryRequest: true, headersSent: true }, 'untouched'],
];

test.each(TABLE)('when %s, the right thing is decided', (_facts, facts, outcome) => {
  expect(decide(facts)).toBe(outcome);
});

test('every outcome is in the table', () => {
  const outcomes: Record<Outcome, true> = {
    untouched: true,
    read: true,
    empty: true,
    failed: true,
    create: true,
    update: true,
    touch: true,
    cycle: true,
    flush: true,
    'flush-failed': true,
    'flush-blocked': true,
    replace: true,
    expire: true,
    saved: true,
    blocked: true,
    interrupted: true,
  };
  expect(new Set(TABLE.map(([, , outcome]) => outcome))).toEqual(new Set(Object.keys(outcomes)));
});
