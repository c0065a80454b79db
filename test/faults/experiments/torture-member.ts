import { type Answer, cookieIn, send } from '../browser.js';
import type { Tally } from '../traffic.js';

const ACTS = ['load', 'write', 'write', 'write', 'rotate', 'touch', 'destroy'] as const;
type Act = (typeof ACTS)[number];

interface Done {
  readonly act: Act;
  readonly key: string;
  readonly answer: Answer;
  /** The cookie the answer sets, or the one that was sent if it sets none. */
  readonly cookie: string;
}

/**
 * A user with a browser whose tabs all send at once, and what must be true afterwards:
 *
 * - A write that was acknowledged is in the session its answer names: the old one, or, if it was rotated meanwhile, one of
 *   those that came of it.
 * - After an acknowledged logout or rotation the old cookie is dead, for good.
 * - Nothing is in a session that this user did not write.
 */
export class Member {
  cookie = '';
  rounds = 0;
  lost = 0;
  /** Cookies that must never work again. */
  readonly dead: string[] = [];
  readonly problems: string[] = [];
  /** What is certainly in the session: keys of acknowledged writes. */
  #known = new Set<string>();
  #voids = 0;
  #count = 0;

  constructor(
    readonly id: number,
    readonly origins: readonly string[],
    readonly tally: Tally,
  ) {}

  /** Redis was emptied: what is under way can't be judged, and what is known is gone. */
  loseEverything(): void {
    this.#voids += 1;
    this.#known = new Set();
    this.cookie = '';
  }

  /** Two to six requests at once; then what they left is compared with what they were told. */
  async round(): Promise<void> {
    this.rounds += 1;
    if (this.cookie === '') await this.#logIn();
    const { cookie } = this;
    const voids = this.#voids;
    const acts = Array.from({ length: 2 + random(5) }, () => ACTS[random(ACTS.length)] as Act);
    const done = await Promise.all(acts.map((act) => this.#do(act, cookie)));
    if (this.#voids !== voids || cookie === '') return;
    await this.#judge(cookie, done, voids);
  }

  /** The record is not what was stored: the user is signed out, and nothing breaks. */
  async meetPoison(): Promise<void> {
    const { cookie } = this;
    const voids = this.#voids;
    const answers = await Promise.all((['load', 'write', 'touch', 'rotate'] as const).map((act) => this.#do(act, cookie)));
    if (this.#voids !== voids) return;
    for (const { act, answer } of answers) if (answer.status >= 500) this.problems.push(`${act} of a poisoned record: ${answer.status}`);
    const read = answers.find(({ act }) => act === 'load');
    // `__proto__` is a key like any other: it may be there, but it gives nobody anything.
    const data = read?.answer.status === 200 ? (JSON.parse(read.answer.body) as Record<string, unknown>) : {};
    if (data.isAdmin !== undefined) this.problems.push('a poisoned record made somebody an administrator');
    this.cookie = '';
    this.#known = new Set();
  }

  async #logIn(): Promise<void> {
    const answer = await this.#ask(`/login?user=${this.id}`, '');
    this.cookie = cookieIn(answer) ?? '';
    this.#known = new Set();
  }

  async #judge(cookie: string, done: readonly Done[], voids: number): Promise<void> {
    const acknowledged = done.filter(({ answer }) => answer.status === 200);
    const of = (act: Act) => acknowledged.filter((one) => one.act === act);
    const written = of('write');
    const rotations = of('rotate').map((one) => one.cookie);
    const ended = of('destroy').length > 0 || rotations.length > 0;
    for (const { act, answer } of done) {
      const allowed = answer.status === 200 || (answer.status === 400 && ended && (act === 'write' || act === 'rotate'));
      if (!allowed) this.problems.push(`${act} was answered with ${answer.status}${ended ? '' : ', though the session goes on'}`);
    }

    // A write that came after the end of the session began one of its own.
    const apart = written.filter((one) => one.cookie !== cookie);
    for (const one of apart) await this.#expectIn([one.cookie], [one.key], voids);
    const within = written.filter((one) => one.cookie === cookie).map(({ key }) => key);
    const mustHold = [...this.#known, ...within];
    if (!ended) {
      await this.#expectIn([cookie], mustHold, voids);
      this.#known = new Set(mustHold);
      return;
    }

    if (this.#voids !== voids) return;
    this.dead.push(cookie);
    const left = await this.#read(cookie);
    if (Object.keys(left).length > 0 && this.#voids === voids) this.problems.push('a cookie worked after its session had ended');
    // After a logout nobody can say which of the writes came before it; after a rotation all of them live on.
    if (of('destroy').length === 0) await this.#expectIn(rotations, mustHold, voids);
    if (this.#voids !== voids) return;
    this.cookie = rotations[0] ?? '';
    this.#known = new Set(this.cookie === '' ? [] : Object.keys(await this.#read(this.cookie)).filter((key) => key.startsWith('w')));
    this.dead.push(...(await this.#logOutOf([...rotations.slice(1), ...apart.map((one) => one.cookie)])));
  }

  /** Each of these keys must be in one of these sessions at least, and nobody else's may be in any. */
  async #expectIn(cookies: readonly string[], keys: readonly string[], voids: number): Promise<void> {
    const sessions = await Promise.all(cookies.map((cookie) => this.#read(cookie)));
    if (this.#voids !== voids) return;
    for (const key of keys) if (!sessions.some((data) => data[key] === String(this.id))) this.lost += 1;
    const foreign = sessions
      .flatMap((data) => Object.entries(data))
      .filter(([key, value]) => key.startsWith('w') && value !== String(this.id));
    if (foreign.length > 0) this.problems.push("a session holds another user's data");
  }

  async #logOutOf(cookies: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(cookies.map((cookie) => this.#ask('/logout', cookie)));
    return cookies.filter((_, index) => answers[index]?.status === 200);
  }

  async #do(act: Act, sent: string): Promise<Done> {
    this.#count += 1;
    const key = `w${this.#count}`;
    const paths: Record<Act, string> = {
      load: '/data',
      touch: '/touch',
      write: `/set?key=${key}&value=${this.id}`,
      rotate: `/rotate?key=rotated`,
      destroy: '/logout',
    };
    const answer = await this.#ask(paths[act], sent);
    return { act, key, answer, cookie: cookieIn(answer) ?? sent };
  }

  async #read(cookie: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.#ask('/data', cookie);
    return status === 200 ? (JSON.parse(body) as Record<string, unknown>) : {};
  }

  async #ask(path: string, cookie: string): Promise<Answer> {
    const answer = await send((this.origins[random(this.origins.length)] as string) + path, cookie);
    this.tally.add(path, answer);
    return answer;
  }
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
