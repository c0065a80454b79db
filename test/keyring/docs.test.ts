import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sojourn from 'sojourn';
import { encrypted, type Keyring, MemoryStore, session, signed } from 'sojourn';
import { listen, SECRET } from '../helpers/app.js';
import { codeBlocksOf, requireFromRoot, runBlock } from '../helpers/code-blocks.js';
import { compile } from '../helpers/compile.js';
import { eventsDuring } from '../helpers/events.js';

// The blocks of docs/keys.md compile, and do what the text around them says.

const BLOCKS = codeBlocksOf('docs/keys.md').filter(({ language }) => language === 'ts');
const [OLD, NEW] = [`${SECRET}, the old one`, `${SECRET}, the new one`];
const context = { binding: 'a record' };

const open: Keyring[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function blockOf<Declared>(heading: string, modules: Readonly<Record<string, unknown>> = {}): Declared {
  const block = BLOCKS.find(({ name }) => name === heading);
  if (block === undefined) throw new Error(`no code under ${heading}`);
  return runBlock(block, (id) => (id === 'sojourn' ? sojourn : (modules[id] ?? requireFromRoot(id)))) as Declared;
}

function kept(secrets: Keyring): Keyring {
  open.push(secrets);
  return secrets;
}

/** The secrets of a keyring, that which signs first. */
function listOf(secrets: Keyring): string[] {
  const reads = (keys: sojourn.CodecKeys, writtenBy: sojourn.CodecKeys) => {
    try {
      return signed(keys).decode(signed(writtenBy).encode(new Map([['a', 1]]), context), context).size > 0;
    } catch {
      return false;
    }
  };
  return [OLD, NEW].filter((one) => reads(secrets, one)).sort((one, other) => Number(reads(other, secrets)) - Number(reads(one, secrets)));
}

test('every block compiles as it stands', () => {
  const files = BLOCKS.map(({ code }, index): [string, string] => [index === 0 ? 'sessions.ts' : `block-${index}.ts`, code]);
  const load = 'export const loadSecrets = async () => [process.env.SECRET!];\nexport const loadKeys = loadSecrets;';
  expect(compile('keys', { ...Object.fromEntries(files), 'secrets.ts': load })).toBe('');
});

test('a file is loaded again at SIGHUP, and a bad one changes nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-keys-'));
  const file = join(folder, 'secrets');
  const replace = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  /** Sends the signal; the keyring has seen what there was by then when another refresh is through. */
  const hangUp = async () => {
    process.emit('SIGHUP');
    await secrets.refresh();
  };
  process.env.SECRETS_FILE = file;
  await replace(`${OLD}\n`);
  const before = process.listeners('SIGHUP');
  const secrets = kept(await blockOf<{ secretsFromFile(): Promise<Keyring> }>('A file and SIGHUP').secretsFromFile());
  const [listener] = process.listeners('SIGHUP').filter((one) => !before.includes(one)) as [NodeJS.SignalsListener];
  try {
    expect(listOf(secrets)).toEqual([OLD]);
    await replace(`${OLD}\n${NEW}\n`);
    const refresh = jest.spyOn(secrets, 'refresh');
    await hangUp();
    expect(refresh).toHaveBeenCalledTimes(2);
    expect(listOf(secrets)).toEqual([OLD, NEW]);
    await replace('');
    await hangUp();
    await rm(file);
    const events = await eventsDuring(() => secrets.refresh());
    expect(events).toEqual([['keyring', { outcome: 'failed', secrets: 2, reason: 'load() failed with ENOENT' }]]);
    expect(listOf(secrets)).toEqual([OLD, NEW]);
    await replace(`${NEW}\n${OLD}\n`);
    await hangUp();
    expect(listOf(secrets)).toEqual([NEW, OLD]);
  } finally {
    process.off('SIGHUP', listener);
    await rm(folder, { recursive: true, force: true });
  }
});

test('Vault is asked for the list, with the token, and what it answers otherwise is told by its status', async () => {
  let answer: [status: number, body: unknown] = [200, { data: { data: { secrets: [OLD, NEW] }, metadata: { version: 2 } } }];
  const vault: RequestListener = (req, res) => {
    const known = req.url === '/v1/secret/data/sojourn' && req.headers['x-vault-token'] === 'a token';
    res.writeHead(known ? answer[0] : 404).end(JSON.stringify(answer[1]));
  };
  const running = await listen(createServer(vault));
  Object.assign(process.env, { VAULT_ADDR: running.origin, VAULT_TOKEN: 'a token' });
  const secrets = kept(await blockOf<{ secretsFromVault(): Promise<Keyring> }>('Vault').secretsFromVault());
  expect(listOf(secrets)).toEqual([OLD, NEW]);
  answer = [503, { errors: ['Vault is sealed'] }];
  const events = await eventsDuring(() => secrets.refresh());
  expect(events).toEqual([['keyring', { outcome: 'failed', secrets: 2, reason: 'load() failed with VAULT_503' }]]);
  await running.close();
});

test('AWS: a version signs when it is so old that every process knows it', async () => {
  const versions: Record<string, { SecretString: string; CreatedDate: Date }> = {};
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const aws = {
    async getSecretValue({ SecretId, VersionStage }: { SecretId: string; VersionStage: string }) {
      const version = SecretId === 'app/session' ? versions[VersionStage] : undefined;
      if (version === undefined) throw Object.assign(new Error(), { name: 'ResourceNotFoundException' });
      return version;
    },
  };
  const { secretsFromAws } = blockOf<{ secretsFromAws(client: typeof aws, id: string): Promise<Keyring> }>('AWS Secrets Manager');
  await expect(secretsFromAws(aws, 'app/session')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  versions.AWSCURRENT = { SecretString: OLD, CreatedDate: minutesAgo(1) };
  const secrets = kept(await secretsFromAws(aws, 'app/session'));
  expect(listOf(secrets)).toEqual([OLD]);
  versions.AWSPREVIOUS = versions.AWSCURRENT;
  versions.AWSCURRENT = { SecretString: NEW, CreatedDate: minutesAgo(14) };
  expect([await secrets.refresh(), listOf(secrets)]).toEqual(['changed', [OLD, NEW]]);
  expect(listOf(kept(await secretsFromAws(aws, 'app/session')))).toEqual([OLD, NEW]);
  versions.AWSCURRENT = { SecretString: NEW, CreatedDate: minutesAgo(16) };
  expect([await secrets.refresh(), listOf(secrets)]).toEqual(['changed', [NEW, OLD]]);
});

test('each session is written once when its visitor comes by, and needs neither the old secret nor the old key from then on', async () => {
  const store = new MemoryStore();
  const old = session({ secret: OLD, codec: encrypted(OLD), store });
  const between = session({ secret: [NEW, OLD], codec: encrypted([NEW, OLD]), store, saveEveryRequest: true });
  const after = session({ secret: NEW, codec: encrypted(NEW), store });
  const { app } = blockOf<{ app: import('express').Express }>('How long an old one is needed', { './sessions.js': { sessions: between } });
  app.get('/', (req, res) => void res.json(req.session.get('user')));
  const running = await listen(createServer(app));
  const client = running.client();
  client.jar.set('sessionid', (await old.issue({ user: 'ann' })).cookie.slice('sessionid='.length));

  const events = await eventsDuring(async () => {
    for (let visit = 0; visit < 3; visit += 1) expect((await client.get('/')).body).toBe('"ann"');
  });
  expect(events.filter(([name]) => name === 'saved')).toHaveLength(1);
  const visitor = await after.load({ headers: { cookie: client.cookie } } as never);
  expect(visitor.get('user')).toBe('ann');
  // Who has no session gets none by that.
  expect((await running.client().get('/')).setCookies).toEqual([]);
  await running.close();
  await store.close();
});

test('a renewal is no write: without that the record stays under its old key', async () => {
  const store = new MemoryStore();
  const { cookie } = await session({ secret: SECRET, codec: encrypted(OLD), store }).issue({ user: 'ann' });
  const renewing = session({ secret: SECRET, codec: encrypted([NEW, OLD]), store, saveEveryRequest: true });
  const running = await listen(createServer((req, res) => renewing(req, res, () => res.end())));
  const reply = await running.client().get('/', { headers: { cookie } });
  expect(reply.setCookies).toHaveLength(1);
  const after = await session({ secret: SECRET, codec: encrypted(NEW), store }).load({ headers: { cookie } } as never);
  expect(after.size).toBe(0);
  await running.close();
  await store.close();
});
