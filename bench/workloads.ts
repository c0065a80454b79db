/** The kinds of request that every server answers, and how. */
export const KINDS = {
  untouched: { method: 'GET', path: '/untouched', answer: /^ok$/ },
  read: { method: 'GET', path: '/read', answer: /^user 42$/ },
  count: { method: 'POST', path: '/count', answer: /^views [1-9]\d*$/ },
  login: { method: 'POST', path: '/login', answer: /^welcome$/ },
} as const;
export type Kind = keyof typeof KINDS;

/** Cookies of sessions that were stored beforehand, by size. */
export type Jar = Readonly<Record<'small' | 'large', readonly string[]>>;
export const BYTES: Readonly<Record<keyof Jar, number>> = { small: 300, large: 8192 };

export interface Step {
  readonly kind: Kind;
  /** Of 100 requests. */
  readonly share: number;
  readonly cookie: keyof Jar | null;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly steps: readonly Step[];
}

const only = (kind: Kind, cookie: keyof Jar | null): Step[] => [{ kind, share: 100, cookie }];

/** In the order they are measured: what stores new sessions comes last. H is `parallel-writes.ts`. */
export const WORKLOADS: readonly Workload[] = [
  { id: 'A', title: 'no cookie, session untouched', steps: only('untouched', null) },
  { id: 'B', title: 'cookie, session untouched', steps: only('untouched', 'small') },
  { id: 'C', title: 'read one key, 300 bytes', steps: only('read', 'small') },
  { id: 'D', title: 'read one key, 8 KB', steps: only('read', 'large') },
  { id: 'E', title: 'write a counter', steps: only('count', 'small') },
  {
    id: 'G',
    title: 'mix: 70 read, 15 untouched, 10 write, 5 log in',
    steps: [
      { kind: 'read', share: 70, cookie: 'small' },
      { kind: 'untouched', share: 15, cookie: 'small' },
      { kind: 'count', share: 10, cookie: 'small' },
      { kind: 'login', share: 5, cookie: null },
    ],
  },
  { id: 'F', title: 'log in, a new session', steps: only('login', null) },
];
export const PARALLEL_WRITES = 'H';

export function workloadOf(id: string): Workload {
  const found = WORKLOADS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`There is no workload ${id}. There are: ${WORKLOADS.map((each) => each.id).join(', ')}, H`);
  return found;
}

/** An HTTP request as it goes over the wire. */
export function rawRequest(method: string, path: string, cookie: string | undefined): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1'];
  if (cookie !== undefined) lines.push(`Cookie: ${cookie}`);
  if (method === 'POST') lines.push('Content-Length: 0');
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * The requests of a workload, to be sent in turn: one for each cookie of the jar (a thousand different sessions), or a
 * hundred without. A mix is shuffled, always in the same way.
 */
export function requestsOf({ steps }: Workload, jar: Jar): string[] {
  const kinds = steps.flatMap((step) => new Array<Step>(step.share).fill(step));
  const random = lcg(1);
  for (let last = kinds.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [kinds[last], kinds[other]] = [kinds[other] as Step, kinds[last] as Step];
  }
  const length = Math.max(kinds.length, ...steps.map(({ cookie }) => (cookie === null ? 0 : jar[cookie].length)));
  return Array.from({ length }, (_, index) => {
    const { kind, cookie } = kinds[index % kinds.length] as Step;
    const cookies = cookie === null ? [] : jar[cookie];
    return rawRequest(KINDS[kind].method, KINDS[kind].path, cookies[index % cookies.length]);
  });
}

/** Which kind of request this answers, or null for a wrong answer. */
export function kindOf(status: number, body: string): Kind | null {
  if (status !== 200) return null;
  for (const kind of Object.keys(KINDS) as Kind[]) if (KINDS[kind].answer.test(body)) return kind;
  return null;
}

/** A linear congruential generator: the same numbers in every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
