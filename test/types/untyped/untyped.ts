// As long as nothing is typed, any string is a key, and a value is what its default is, or unknown.
import { createServer } from 'node:http';
import connect from 'connect';
import express from 'express';
import { MemoryStore, Session, type Store, session } from 'sojourn';

const app = express();
app.use(session({ secret: ['a secret of the tests, long enough for all'] }));
app.get('/', (req, res) => {
  const views = req.session.get('views', 0) + 1;
  req.session.set('views', views);
  const unknown: unknown = req.session.get('views');
  // @ts-expect-error what is unknown has to be looked at first
  req.session.get('views').toFixed();

  // A default is no literal type: these comparisons are meant.
  const flag = req.session.get('flag', false) === true;
  const many = req.session.get('views', 0) === 5;
  const dark = req.session.pop('theme', 'light') === 'dark';
  const set = req.session.setDefault('n', 1) === 2;
  req.session.get('list', []).push(1, 'two');
  const theme: 'light' | 'dark' = req.session.get('theme', 'light' as 'light' | 'dark');
  const nothing: null = req.session.get('nothing', null);
  const items: { id: string }[] = req.session.get('items', [{ id: 'a' }]);

  req.session.update({ anything: 'goes', views: 1 });
  // @ts-expect-error keys are strings
  req.session.set(5, 1);
  // @ts-expect-error no duration
  req.session.setExpiry('14 days');
  req.session.setExpiry({ hours: 2 });
  req.session.setExpiry(null);
  res.json([views, unknown, flag, many, dark, set, theme, nothing, items]);
});

// Without Express, too.
const sessions = session();
createServer((req, res) => sessions(req, res, () => res.end()));
connect().use(sessions);

// @ts-expect-error an unknown option
session({ resave: false });
// @ts-expect-error a bad value
session({ cookie: { sameSite: 'Lax' } });
// @ts-expect-error a store is needed
new Session({});

// Anybody can write a store.
const store: Store = {
  read: async () => null,
  create: async () => 'version',
  update: async (_key, _payload, version) => (version === '1' ? { status: 'updated', version: '2' } : { status: 'gone' }),
  touch: async () => false,
  retire: async () => ({ status: 'conflict', current: { payload: '', version: '1' } }),
  delete: async () => false,
  exists: async () => false,
  clearExpired: async () => 0,
  close: async () => {},
};
const sequence: [string, unknown][] = [...new Session({ store })];
void [sequence, new MemoryStore({ max: 5 })];
