import { commitSession } from '../../src/commit.ts';
import { MemoryStore } from '../../src/index.ts';
import { resolveOptions } from '../../src/options.ts';
import { decodeRecord, encodeRecord, slotFor } from '../../src/record.ts';
import { responseGate } from '../../src/response-gate.ts';
import { Session } from '../../src/session.ts';
import { createSessionKey, storeKeyOf } from '../../src/session-key.ts';
import { UnitOfWork } from '../../src/unit-of-work.ts';
import { LOGIN } from '../servers/data.mjs';
import type { Case } from './case.ts';
import { exchange } from './exchange.ts';
import { SECRET } from './requests.ts';

const KEYS = 1000;
const COUNT = 5000;

/** The hot path part by part, as the files under `src` divide it. */
export function partCases(): Case[] {
  const settings = resolveOptions({ secret: SECRET, store: new MemoryStore() });
  const { cookie } = settings;
  const keys = Array.from({ length: KEYS }, createSessionKey);
  const headers = keys.map((key) => cookie.pair(key));
  const slots = keys.map((key) => slotFor(settings, key));
  const data = new Map(Object.entries(LOGIN));
  const payloads = slots.map((slot) => encodeRecord(settings, slot, data));
  const suspects = ['views'];
  const read = { session: new Session<never>(new UnitOfWork(settings), settings), ...exchange(undefined), settings };
  // Touches the data, as a handler does that reads them.
  void read.session.size;
  const at = <Item>(list: readonly Item[], index: number): Item => list[index % KEYS] as Item;
  const nothing = () => {};
  const gate = responseGate();

  return [
    part('find and verify the cookie', (index) => cookie.read(at(headers, index))),
    part('hash the session key', (index) => storeKeyOf(at(keys, index))),
    part('make unit of work and session', (index) => new Session<never>(new UnitOfWork(settings, [at(keys, index)]), settings)),
    part(
      'put the gate on a response',
      () => gate(exchange(undefined).res, () => nothing, nothing),
      () => exchange(undefined).res,
    ),
    part(
      'the same, as Express hands it over',
      () => gate(exchange(undefined, true).res, () => nothing, nothing),
      () => exchange(undefined, true).res,
    ),
    part('decode, 300 bytes', (index) => decodeRecord(settings, at(slots, index), at(payloads, index))),
    part('decide on a session that was read', () => commitSession(read, 200, false)),
    part('encode, 300 bytes', (index) => encodeRecord(settings, at(slots, index), data, suspects)),
    part('make a session key', createSessionKey),
    part('sign and write the cookie', (index) => cookie.write(at(keys, index), 1_209_600, false)),
  ];
}

/** Results go here, so that no compiler finds the work useless. */
let sink: unknown;

function part(title: string, once: (index: number) => unknown, harness: (index: number) => unknown = (index) => index): Case {
  const repeat = (work: (index: number) => unknown) => (count: number) => {
    for (let index = 0; index < count; index += 1) sink = work(index);
  };
  return { name: '', title, run: repeat(once), harness: repeat(harness), count: COUNT };
}

/** What the last part gave. */
export function lastResult(): unknown {
  return sink;
}
