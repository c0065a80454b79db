import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ONE_CORE } from '../helpers/compile.js';

// An augmentation holds for a whole program, so each way to type the data is a project of its own.
const tsc = resolve('node_modules/typescript/bin/tsc');

function compile(project: string): string {
  try {
    const args = [tsc, '--noEmit', '--project', project, ...ONE_CORE];
    return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

test.each([
  ['an augmented SessionData types every session of the program', 'augmented'],
  ['a type parameter types one session', 'parameter'],
  ['without either, any string is a key', 'untyped'],
  ['RedisStore takes the clients of ioredis 5 and 6 and node-redis 5 and 6 under their own types', 'clients'],
])('%s', (_, project) => {
  expect(compile(resolve('test/types', project))).toBe('');
});

test('what must not compile does not: each of these lines is an error of its own', () => {
  const folder = mkdtempSync(resolve('test/types/wrong-'));
  try {
    const lines = [
      "import { Session, session, type SessionData } from 'sojourn';",
      "declare module 'sojourn' { interface SessionData { userId: string } }",
      'declare const s: Session;',
      "s.set('userId', 42);",
      "s.get('user');",
      "const a: string = s.get('userId');",
      's.userId = 5;',
      'session({ resave: true });',
      'new Session({});',
    ];
    writeFileSync(join(folder, 'wrong.ts'), lines.join('\n'));
    const paths = { sojourn: ['../../../src/index.ts'] };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions: { rootDir: '../../..', paths }, include: ['.'], exclude: [] }),
    );
    const wrong = [...compile(folder).matchAll(/wrong\.ts\((\d+),/g)].map(([, line]) => Number(line));
    expect(wrong).toEqual([4, 5, 6, 7, 8, 9]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
