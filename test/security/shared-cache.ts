import type { Client, Reply } from '../helpers/app.js';

interface Kept {
  readonly reply: Reply;
  /** The request's header fields that `Vary` named, with the values they had. */
  readonly selecting: [string, string | undefined][];
}

/**
 * A shared cache that keeps all that RFC 9111 lets it keep, Set-Cookie included: a lazier cache than any in use. What it
 * may not use without asking (`max-age=0`, `no-cache`) it revalidates, and a 304 makes it serve what it has.
 */
export class SharedCache {
  readonly #kept = new Map<string, Kept[]>();

  /** A request of a visitor through the cache. */
  async get(path: string, visitor: Client): Promise<Reply> {
    const cookie = visitor.cookie === '' ? undefined : visitor.cookie;
    const kept = this.#kept
      .get(path)
      ?.find(({ selecting }) => selecting.every(([name, value]) => name !== '*' && (name === 'cookie' ? cookie : undefined) === value));
    if (kept !== undefined && isFresh(kept.reply)) return kept.reply;
    const etag = kept?.reply.headers.get('etag');
    // Without a word on caching, fetch would ask for a whole new copy.
    const headers: Record<string, string> = {
      'cache-control': 'max-age=0',
      ...(cookie && { cookie }),
      ...(etag && { 'if-none-match': etag }),
    };
    const reply = await visitor.get(path, { headers });
    // The fields of a 304 replace those that were kept (section 3.2): here, the cookie.
    if (reply.status === 304 && kept !== undefined) {
      return reply.setCookies.length === 0 ? kept.reply : { ...kept.reply, setCookies: reply.setCookies };
    }
    if (mayKeep(reply)) {
      const vary = (reply.headers.get('vary') ?? '')
        .toLowerCase()
        .split(',')
        .map((name) => name.trim());
      const selecting = vary
        .filter((name) => name !== '')
        .map((name): Kept['selecting'][number] => [name, name === 'cookie' ? cookie : undefined]);
      this.#kept.set(path, [...(this.#kept.get(path) ?? []), { reply, selecting }]);
    }
    return reply;
  }

  get size(): number {
    return this.#kept.size;
  }
}

function directivesOf({ headers }: Reply): string[] {
  return (headers.get('cache-control') ?? '')
    .toLowerCase()
    .split(',')
    .map((directive) => directive.trim());
}

/** RFC 9111 section 3; a 200 without a word on caching may be kept as well (section 4.2.2). */
function mayKeep(reply: Reply): boolean {
  const directives = directivesOf(reply);
  return reply.status === 200 && !directives.includes('no-store') && !directives.includes('private');
}

function isFresh(reply: Reply): boolean {
  const directives = directivesOf(reply);
  const seconds = (name: string) => directives.find((directive) => directive.startsWith(`${name}=`))?.slice(name.length + 1);
  return !directives.includes('no-cache') && Number(seconds('s-maxage') ?? seconds('max-age') ?? 3600) > 0;
}
