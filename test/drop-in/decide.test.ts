import { type Decision, decide, type Facts } from '../../src/express-session/decide.js';

// The decision is a pure function of its facts: each row says what differs from a session that was only read.

const READ: Facts = {
  isNew: false,
  stored: true,
  modified: false,
  changed: false,
  settled: false,
  ended: false,
  retired: false,
  persistent: false,
  cookieChanged: false,
  resave: false,
  saveUninitialized: false,
  rolling: false,
  touches: true,
};
const NEW = { isNew: true, stored: false };
const CHANGED = { modified: true, changed: true };

const rows: [string, Partial<Facts>, Decision['act'], boolean][] = [
  ['only read', {}, 'touch', false],
  ['only read, in a store that can’t renew', { touches: false }, 'leave', false],
  ['only read, under resave', { resave: true }, 'store', false],
  ['only read, under rolling', { rolling: true }, 'touch', true],
  ['only read, with an end of its own', { persistent: true }, 'touch', false],
  ['changed', CHANGED, 'store', false],
  ['changed, with an end of its own', { ...CHANGED, persistent: true }, 'store', true],
  ['given another age', { ...CHANGED, cookieChanged: true }, 'store', true],
  ['saved by hand', { modified: true, settled: true }, 'leave', false],
  ['saved by hand, under resave', { modified: true, settled: true, resave: true }, 'leave', false],
  ['saved by hand, with an end of its own', { modified: true, settled: true, persistent: true }, 'leave', true],
  ['saved by hand and changed since', { ...CHANGED, settled: true }, 'store', false],
  ['new and empty', NEW, 'leave', false],
  ['new and empty, under rolling and resave', { ...NEW, rolling: true, resave: true }, 'leave', false],
  ['new and empty, under saveUninitialized', { ...NEW, saveUninitialized: true }, 'store', true],
  ['new and changed', { ...NEW, ...CHANGED }, 'store', true],
  ['new and saved by hand', { isNew: true, modified: true, settled: true }, 'leave', true],
  ['new and saved by hand, then changed', { isNew: true, ...CHANGED, settled: true }, 'store', true],
  ['new and saved by hand, then deleted as its age was over', { ...NEW, modified: true, settled: true }, 'leave', true],
  ['new after a logout', { ...NEW, ended: true }, 'leave', false],
  ['new after a logout, under saveUninitialized', { ...NEW, ended: true, saveUninitialized: true }, 'leave', false],
  ['new after a logout, and changed', { ...NEW, ended: true, ...CHANGED }, 'store', true],
  ['new because a login has just replaced the old one', { ...NEW, retired: true }, 'leave', false],
  ['the same under saveUninitialized', { ...NEW, retired: true, saveUninitialized: true }, 'leave', false],
  ['the same, and changed', { ...NEW, retired: true, ...CHANGED }, 'interrupt', false],
];

test.each(rows)('a session that is %s', (_, facts, act, sendsCookie) => {
  expect(decide({ ...READ, ...facts })).toEqual({ act, sendsCookie });
});
