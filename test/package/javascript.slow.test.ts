import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { LinkedApp, pack } from './packed.js';

// Programs in JavaScript that have the package installed, by import and by require, under Node and under Jest.

const app = new LinkedApp(pack());
app.link('express');

const use = `
  const store = new MemoryStore();
  const one = new Session({ store });
  one.set('name', 'Ada').save().then(async () => {
    const same = await new Session({ store, sessionKey: one.sessionKey }).load();
    console.log(typeof session, same.get('name'), [MemoryStore, RedisStore, Session, UpdateError].every((f) => typeof f === 'function'));
  });`;
const names = '{ MemoryStore, RedisStore, Session, session, UpdateError }';

test('import gives it', () => {
  expect(app.run('program.mjs', `import ${names} from 'sojourn';${use}`)).toBe('function Ada true');
});

test('require gives it', () => {
  expect(app.run('program.cjs', `const ${names} = require('sojourn');${use}`)).toBe('function Ada true');
});

test('both give the same thing, so that no process has two of it', () => {
  const program = (entry: string) => `
    const required = require('${entry}');
    import('${entry}').then((imported) => console.log(required.Session === imported.Session));`;
  for (const entry of ['sojourn', 'sojourn/express-session']) expect(app.run('both.cjs', program(entry))).toBe('true');
});

const useTesting = `
  signedIn(session({ secret: 'a secret of the tests, long enough for all', clock }), { name: 'Ada' }).then(async ({ cookie }) => {
    clock.advance({ hours: 1 });
    console.log(cookie.slice(0, 10), typeof sessionOf);
  });`;

test.each([
  ['import', 'testing.mjs', "import { session } from 'sojourn'; import { sessionOf, signedIn, testClock } from 'sojourn/testing';"],
  [
    'require',
    'testing.cjs',
    "const { session } = require('sojourn'); const { sessionOf, signedIn, testClock } = require('sojourn/testing');",
  ],
])('%s gives what its tests need', (_, file, imports) => {
  expect(app.run(file, `${imports} const clock = testClock();${useTesting}`)).toBe('sessionid= function');
});

const useDropIn = `
  const app = session({ secret: 'x', resave: false, saveUninitialized: false });
  class Mine extends session.Store {}
  const names = ['Cookie', 'MemoryStore', 'Session', 'Store'].filter((name) => typeof session[name] === 'function');
  console.log(typeof session, app.length, new Mine() instanceof session.Store, names.join());`;

test.each([
  ['import', 'drop-in.mjs', "import session from 'sojourn/express-session';"],
  [
    'import with names',
    'named.mjs',
    "import session, { Store } from 'sojourn/express-session'; if (Store !== session.Store) throw new Error('two stores');",
  ],
  ['require', 'drop-in.cjs', "const session = require('sojourn/express-session');"],
])('%s gives the drop-in, as it did with express-session', (_, file, imports) => {
  expect(app.run(file, imports + useDropIn)).toBe('function 3 true Cookie,MemoryStore,Session,Store');
});

test('nobody gets at what is inside', () => {
  expect(() => app.run('inside.mjs', "import 'sojourn/dist/unit-of-work.js';")).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

// Jest, as it is without any settings, runs an application's tests as CommonJS and can't require a module of ECMAScript.
test("Jest runs an application's tests without any settings, and mocks nothing away", () => {
  app.write({
    'app.test.js': `
      const express = require('express');
      const { session } = require('sojourn');
      const dropIn = require('sojourn/express-session');
      const { sessionOf, signedIn, testClock } = require('sojourn/testing');

      test('a visitor is signed in', async () => {
        const sessions = session({ secret: 'a secret of the tests, long enough for all', clock: testClock() });
        const app = express().use(sessions).get('/', (req, res) => void res.send(req.session.get('name')));
        const server = await new Promise((resolve) => { const starting = app.listen(0, '127.0.0.1', () => resolve(starting)); });
        const { cookie } = await signedIn(sessions, { name: 'Ada' });
        const response = await fetch('http://127.0.0.1:' + server.address().port, { headers: { cookie } });
        expect(await response.text()).toBe('Ada');
        expect(await sessionOf(sessions, cookie)).toEqual({ name: 'Ada' });
        server.close();
      });

      test('the drop-in is a function, with its classes', () => {
        expect(dropIn({ secret: 'x', resave: false, saveUninitialized: false })).toHaveLength(3);
        expect(new dropIn.MemoryStore()).toBeInstanceOf(dropIn.Store);
        expect(Object.keys(dropIn).sort()).toEqual(['Cookie', 'MemoryStore', 'Session', 'Store']);
      });
    `,
  });
  const jest = resolve('node_modules/jest/bin/jest.js');
  const output = execFileSync(process.execPath, [jest, '--json', '--forceExit'], { cwd: app.folder, encoding: 'utf8', stdio: 'pipe' });
  expect(JSON.parse(output)).toMatchObject({ success: true, numPassedTests: 2 });
});
