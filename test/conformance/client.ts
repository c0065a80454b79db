import { types } from 'node:util';
import { GARBAGE, type Settings, type Step } from './scenario.js';

/**
 * The clients of a scenario: one cookie jar each. A jar keeps whatever non-empty value it is sent, is emptied by a
 * deletion, and never forgets by itself, so that it is the server's expiry that is tested.
 */
export class Clients {
  readonly #jars = new Map<string, { value: string | null; previous: string | null }>();
  readonly #unknown: string;

  /** `unknown`: the cookie value of a key that nobody stored. */
  constructor(unknown: string) {
    this.#unknown = unknown;
  }

  held(jar = 'main'): string | null {
    return this.#jars.get(jar)?.value ?? null;
  }

  previous(jar = 'main'): string | null {
    return this.#jars.get(jar)?.previous ?? null;
  }

  keep(jar = 'main', value: string): void {
    const held = this.held(jar);
    const next = value === '' ? null : value;
    if (held !== next) this.#jars.set(jar, { value: next, previous: held });
  }

  /** The Cookie header of a request, or null. */
  header({ cookie, jar }: Step, { cookie_name: name }: Settings): string | null {
    if (typeof cookie !== 'string') return this.#fill(cookie.raw, name, jar);
    const value = this.#value(cookie, jar);
    return value === null ? null : `${name}=${value}`;
  }

  #value(cookie: string, jar: string | undefined): string | null {
    switch (cookie) {
      case 'jar':
        return this.held(jar);
      case 'previous':
        return this.previous(jar);
      case 'none':
        return null;
      case 'garbage':
        return GARBAGE;
      case 'unknown-but-well-formed':
        return this.#unknown;
      default:
        return cookie;
    }
  }

  #fill(raw: string, name: string, jar: string | undefined): string {
    return raw.replace(/\{(name|unknown|jar|previous)(?::([^}]*))?\}/g, (_, what: string, other: string | undefined) => {
      if (what === 'name') return name;
      if (what === 'unknown') return this.#unknown;
      return (what === 'jar' ? this.held(other ?? jar) : this.previous(other ?? jar)) ?? '';
    });
  }
}

/** Names for keys that two runs can share: K1, K2, ... in the order in which they come up. */
export class Aliases {
  readonly #names = new Map<string, string>();

  #generated = 0;

  constructor(known: readonly (readonly [key: string, name: string])[] = []) {
    for (const [key, name] of known) this.#names.set(key, name);
  }

  of<Key extends string | null>(key: Key): Key {
    if (key === null) return key;
    let name = this.#names.get(key);
    if (name === undefined) {
      this.#generated += 1;
      name = `K${this.#generated}`;
      this.#names.set(key, name);
    }
    return name as Key;
  }

  has(key: string): boolean {
    return this.#names.has(key);
  }
}

/** The values of all cookies of a name, as Django's parser reads them: blanks trimmed, quotes taken off. */
export function valuesOf(header: string | null, name: string): string[] {
  const values: string[] = [];
  for (const chunk of (header ?? '').split(';')) {
    const equals = chunk.indexOf('=');
    if (equals === -1 || chunk.slice(0, equals).trim() !== name) continue;
    values.push(
      chunk
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1'),
    );
  }
  return values;
}

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A copy of a value that stays as it is, with dates as seconds from now: `{ $in: 60 }`. */
export function plain(value: unknown, now: number): unknown {
  if (types.isDate(value)) return { $in: seconds(value.getTime() - now) };
  if (typeof value === 'string' && ISO_DATE.test(value)) return { $in: seconds(Date.parse(value) - now) };
  if (types.isMap(value)) return plain(Object.fromEntries(value), now);
  if (Array.isArray(value)) return value.map((item) => plain(item, now));
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner, now)]));
}

export function seconds(milliseconds: number): number {
  return Math.round(milliseconds) / 1000;
}
