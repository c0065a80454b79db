import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Answer, Browser, cookieIn, send } from './browser.js';
import { pause } from './experiment.js';

/** A page that doesn't touch the session, asked for without a cookie: no store call at all. */
const CONTROL = '/public?without=cookie';

/** Milliseconds between two looks at the event loop. */
const RESOLUTION = 10;

/** What the visitors of an application were told, and how long it took. */
export class Tally {
  readonly answers: { readonly path: string; readonly answer: Answer }[] = [];
  /** How late this process itself is: what it measures is late by as much. */
  readonly #lateness = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor() {
    this.#lateness.enable();
  }

  add(path: string, answer: Answer): void {
    this.answers.push({ path, answer });
  }

  count(holds: (status: number) => boolean): number {
    return this.answers.filter(({ answer }) => holds(answer.status)).length;
  }

  get answered(): number {
    return this.count((status) => status !== 0);
  }

  get serverErrors(): number {
    return this.count((status) => status >= 500);
  }

  get longest(): number {
    return Math.round(Math.max(0, ...this.answers.map(({ answer }) => answer.wait)));
  }

  /**
   * What the machine itself took, in milliseconds: the longest wait of requests that had no need of the store, and the
   * longest that the process which waits for them all was busy with something else.
   */
  get noise(): number {
    const controls = this.answers.filter(({ path }) => path === CONTROL).map(({ answer }) => answer.wait);
    return Math.round(Math.max(0, ...controls) + Math.max(0, this.#lateness.max / 1e6 - RESOLUTION));
  }

  /** Error responses that set or delete a cookie. */
  get errorsWithCookie(): number {
    return this.answers.filter(({ answer }) => answer.status >= 400 && answer.setCookies.length > 0).length;
  }

  /** Error responses of the store that name no time to come again. */
  get unavailableWithoutRetryAfter(): number {
    return this.answers.filter(({ answer }) => answer.status === 503 && answer.headers['retry-after'] === undefined).length;
  }

  /** Milliseconds from `moment` until the last request that still failed was sent; 0 if none was. */
  failingAfter(moment: number): number {
    const failed = this.answers.filter(({ answer }) => answer.sentAt >= moment && isFailure(answer));
    return failed.reduce((last, { answer }) => Math.max(last, answer.sentAt - moment), 0);
  }

  /** Milliseconds from `moment` until the first write that was sent after it is answered well; undefined if none was. */
  firstWriteAfter(moment: number): number | undefined {
    const ends = this.answers
      .filter(({ path, answer }) => path.startsWith('/set') && answer.status === 200 && answer.sentAt >= moment)
      .map(({ answer }) => answer.sentAt + answer.wait - moment);
    return ends.length === 0 ? undefined : Math.round(Math.min(...ends));
  }
}

function isFailure({ status }: Answer): boolean {
  return status === 0 || status >= 500;
}

/**
 * Visitors with sessions who read, write and log out, and a ledger of what they were promised: each write that was
 * answered with 200 has a key of its own under the cookie it went to, and each logout names a cookie that must be dead.
 */
export class Traffic {
  readonly tally = new Tally();
  #browsers: Browser[] = [];
  /** Visitors who are there to log out. */
  #leaving: Browser[] = [];
  /** By origin and cookie: the keys whose writes were acknowledged. */
  readonly #written = new Map<Browser, Map<string, string[]>>();
  readonly #loggedOut: { origin: string; cookie: string }[] = [];
  #turn = 0;

  constructor(readonly origins: readonly string[]) {}

  get loggedOut(): number {
    return this.#loggedOut.length;
  }

  get sessions(): number {
    return this.#browsers.length;
  }

  cookies(): string[] {
    return this.#browsers.map((browser) => browser.cookie);
  }

  /** Logs visitors in: some who stay, and some who will log out. */
  async logIn(staying: number, leaving: number): Promise<void> {
    const visitors = Array.from({ length: staying + leaving }, (_, index) => new Browser(this.#originOf(index)));
    // A few at a time: this is no part of the load.
    for (let start = 0; start < visitors.length; start += 20) {
      const group = visitors.slice(start, start + 20);
      const answers = await Promise.all(group.map((visitor, index) => visitor.get(`/login?user=user-${start + index}`)));
      if (answers.some(({ status }) => status !== 200)) throw new Error('the visitors could not log in');
    }
    this.#browsers = visitors.slice(0, staying);
    this.#leaving = visitors.slice(staying);
  }

  /** One request of the usual mixture. */
  async next(): Promise<void> {
    this.#turn += 1;
    const browser = this.#browsers[this.#turn % this.#browsers.length] as Browser;
    if (this.#turn % 20 === 0) await this.#logOut();
    else if (this.#turn % 20 === 1) this.tally.add(CONTROL, await send(browser.origin + CONTROL));
    else if (this.#turn % 20 === 11) await this.#visit(browser, '/public');
    else if (this.#turn % 10 < 6) await this.#visit(browser, '/data');
    else await this.write(browser, `k${this.#turn}`);
  }

  /** `perSecond` requests, evenly, until told to stop; then waits for the answers. */
  async pace(perSecond: number, stop: Promise<unknown>): Promise<void> {
    let stopped = false;
    const halt = () => {
      stopped = true;
    };
    stop.then(halt, halt);
    const began = performance.now();
    const pending: Promise<void>[] = [];
    while (!stopped) {
      const due = ((performance.now() - began) / 1000) * perSecond;
      while (pending.length < due) pending.push(this.next());
      await pause(5);
    }
    await Promise.all(pending);
  }

  async write(browser: Browser, key: string): Promise<Answer> {
    const answer = await this.#visit(browser, `/set?key=${key}&value=1`);
    if (answer.status === 200) this.#note(browser, cookieIn(answer) ?? '', key);
    return answer;
  }

  /** Starts a new ledger, after an outage that was bound to lose what was stored before. */
  forgetWrites(): void {
    this.#written.clear();
  }

  /** Acknowledged writes that are not there, and sessions that are there after an acknowledged logout. */
  async audit(): Promise<{ lost: number; revived: number }> {
    let lost = 0;
    for (const [browser, byCookie] of this.#written) {
      for (const [cookie, keys] of byCookie) {
        const data = await this.#read(browser.origin, cookie);
        lost += keys.filter((key) => data[key] !== '1').length;
      }
    }
    let revived = 0;
    for (const { origin, cookie } of this.#loggedOut) {
      if (Object.keys(await this.#read(origin, cookie)).length > 0) revived += 1;
    }
    return { lost, revived };
  }

  async #logOut(): Promise<void> {
    const visitor = this.#leaving.pop();
    if (visitor === undefined) return;
    const { cookie } = visitor;
    const answer = await this.#visit(visitor, '/logout');
    if (answer.status === 200) this.#loggedOut.push({ origin: visitor.origin, cookie });
  }

  async #visit(browser: Browser, path: string): Promise<Answer> {
    const answer = await browser.get(path);
    this.tally.add(path, answer);
    return answer;
  }

  async #read(origin: string, cookie: string): Promise<Record<string, unknown>> {
    const { status, body } = await send(`${origin}/data`, cookie);
    if (status !== 200) throw new Error(`a session could not be audited: ${status}`);
    return JSON.parse(body) as Record<string, unknown>;
  }

  #note(browser: Browser, cookie: string, key: string): void {
    const byCookie = this.#written.get(browser) ?? new Map<string, string[]>();
    this.#written.set(browser, byCookie);
    byCookie.set(cookie, [...(byCookie.get(cookie) ?? []), key]);
  }

  #originOf(index: number): string {
    return this.origins[index % this.origins.length] as string;
  }
}
