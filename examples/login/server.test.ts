import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Client, listen, SECRET } from '../../test/helpers/app.js';
import { freePort } from '../../test/helpers/programs.js';

interface Demo {
  readonly line: string;
  readonly origin: string;
  stop(): Promise<void>;
}

/** `npm start`, as a user types it; resolves when it has printed its address. */
async function npmStart(env: Record<string, string>): Promise<Demo> {
  const child = spawn('npm', ['start'], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, SESSION_SECRET: SECRET, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A process group of its own, which its pid names: npm doesn't pass every signal on, Ctrl-C goes to the group as well.
    detached: true,
  });
  const [line, origin] = await printed(child, /.*(http:\/\/127\.0\.0\.1:\d+)/);
  return { line, origin, stop: () => stopGroup(child) };
}

function printed(child: ChildProcess, pattern: RegExp): Promise<[line: string, origin: string]> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk;
      const match = pattern.exec(output);
      if (match?.[1] !== undefined) resolve([match[0], match[1]]);
    });
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
}

/** `close` comes when nobody holds the output any more: npm is gone, and the server behind it. */
async function stopGroup(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  process.kill(-(child.pid as number), 'SIGTERM');
  await closed;
}

test.each([
  ['memory', () => ({ REDIS_URL: '' })],
  ['Redis', () => ({ REDIS_URL: process.env.REDIS_URL as string })],
])('npm start serves the demo with sessions in %s, and ends when told to', async (place, env) => {
  const port = await freePort();
  const demo = await npmStart({ ...env(), PORT: String(port) });
  const client = new Client(demo.origin);
  try {
    expect(demo.line).toBe(`Sessions in ${place}. Open http://127.0.0.1:${port}`);
    await client.get('/');
    expect((await client.get('/')).body).toContain('<strong>2 times</strong>');
    await client.get('/logout', { method: 'POST' });
  } finally {
    await demo.stop();
  }
  await expect(client.get('/')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});

test('npm start takes the next port if somebody has its own', async () => {
  const neighbour = await listen(createServer((_req, res) => res.end('the neighbour')));
  const demo = await npmStart({ REDIS_URL: '', PORT: String(neighbour.port) });
  try {
    expect(Number(new URL(demo.origin).port)).toBeGreaterThan(neighbour.port);
    expect((await new Client(demo.origin).get('/')).body).toContain('Wayside');
  } finally {
    await demo.stop();
    await neighbour.close();
  }
});
