import { Agent, type IncomingHttpHeaders, request } from 'node:http';

/** How long an experiment waits for any answer, in milliseconds: what takes longer counts as no answer at all. */
const PATIENCE = 20_000;

const agent = new Agent({ keepAlive: true });

export interface Answer {
  /** 0: no answer, because the connection broke or nothing came. */
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  /** When the request was sent, in milliseconds since 1970, and how long its answer took. */
  readonly sentAt: number;
  readonly wait: number;
}

/** Sends one GET request. Never rejects: a request without an answer is a result of an experiment. */
export function send(url: string, cookie = ''): Promise<Answer> {
  const sentAt = Date.now();
  const began = performance.now();
  return new Promise((resolve) => {
    const settle = (status: number, body: string, headers: IncomingHttpHeaders) =>
      resolve({ status, body, headers, setCookies: headers['set-cookie'] ?? [], sentAt, wait: performance.now() - began });
    const outgoing = request(url, { agent, headers: cookie === '' ? {} : { cookie }, timeout: PATIENCE }, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        body += chunk;
      });
      incoming.once('end', () => settle(incoming.statusCode ?? 0, body, incoming.headers));
      incoming.once('error', (error) => settle(0, error.message, {}));
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.once('error', (error) => settle(0, error.message, {}));
    outgoing.end();
  });
}

/** The session cookie an answer sets: `name=value`, empty if it deletes it, null if it says nothing of it. */
export function cookieIn(answer: Answer): string | null {
  const line = answer.setCookies.at(-1);
  if (line === undefined) return null;
  const pair = line.split(';', 1)[0] as string;
  return pair.endsWith('=') ? '' : pair;
}

/** The session key in a cookie that Sojourn signed: `name=<key>.<signature>`. */
export function sessionKeyIn(cookie: string): string {
  return decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1)).slice(0, 43);
}

/** A browser with the one cookie it needs. */
export class Browser {
  cookie = '';

  constructor(readonly origin: string) {}

  async get(path: string): Promise<Answer> {
    const answer = await send(this.origin + path, this.cookie);
    this.cookie = cookieIn(answer) ?? this.cookie;
    return answer;
  }

  /** What the session of this browser holds. */
  async data(): Promise<Record<string, unknown>> {
    const answer = await this.get('/data');
    if (answer.status !== 200) throw new Error(`the session could not be read: ${answer.status}`);
    return JSON.parse(answer.body) as Record<string, unknown>;
  }
}
