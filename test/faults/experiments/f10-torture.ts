import type { Redis } from 'ioredis';
import { type Experiment, pause, Row } from '../experiment.js';
import { CANARY } from '../lab.js';
import { Tally } from '../traffic.js';
import { countAlive, DEADLINE, expectDecency, redisKeyOf } from './common.js';
import { Member } from './torture-member.js';

const PROCESSES = 4;
const MEMBERS = 12;
/** How often one user clicks, in milliseconds. */
const PACE = 120;

/**
 * Records as they may come from somebody who can write to Redis, or from a bug. The right head makes the rest of them be
 * looked at. `null`: a value of another type.
 */
const POISONS: readonly (string | null)[] = [
  '',
  '{bad',
  'null',
  '[]',
  '"s"',
  '1',
  '{}',
  '{"cookie":null}',
  '{"__proto__":{"isAdmin":true}}',
  '[["a"]]',
  `{"secret":"${CANARY}`,
  '['.repeat(100_000),
  'x'.repeat(1_000_000),
  null,
];

/** Everything at once, for minutes: parallel requests of all kinds on four processes, while somebody tampers with Redis. */
export const torture: Experiment = {
  name: 'F10',
  title: 'Torture: random parallel requests on four processes, poisoned records, SCRIPT FLUSH, one FLUSHALL',
  isQuick: false,
  async run(lab, { quick, minutes }) {
    const seconds = quick ? 10 : minutes * 60;
    const row = new Row('F10 torture');
    row.load = `${PROCESSES} processes, ${MEMBERS} users, ${seconds} s`;
    const redis = await lab.redis();
    const admin = lab.admin(redis.port);
    const settings = { place: { kind: 'single', port: redis.port }, profile: 'defaults', timeout: DEADLINE } as const;
    const apps = await Promise.all(Array.from({ length: PROCESSES }, () => lab.app(settings)));
    const origins = apps.map(({ origin }) => origin);
    const tally = new Tally();
    const members = Array.from({ length: MEMBERS }, (_, index) => new Member(index, origins, tally));

    const end = Date.now() + seconds * 1000;
    const running = () => Date.now() < end;
    let poisoned = 0;
    const live = members.map(async (member) => {
      while (running()) {
        await member.round();
        // About one round in thirty meets a record that is not what was stored.
        if (Math.random() < 1 / 30 && (await poison(admin, member.cookie))) {
          poisoned += 1;
          await member.meetPoison();
        }
        await pause(PACE);
      }
    });
    const flushScripts = async () => {
      while (running()) {
        await admin.script('FLUSH');
        await pause(100);
      }
    };
    const flushOnce = async () => {
      await pause((seconds * 1000) / 2);
      for (const member of members) member.loseEverything();
      await admin.flushall();
      for (const member of members) member.loseEverything();
    };
    await Promise.all([...live, flushScripts(), flushOnce()]);

    const dead = members.flatMap((member) => member.dead);
    row.lost = members.reduce((sum, { lost }) => sum + lost, 0);
    row.revived = await countAlive(admin, dead);
    row.expect(row.lost === 0, `${row.lost} acknowledged writes are lost`);
    row.expect(row.revived === 0, `${row.revived} sessions came back`);
    for (const problem of members.flatMap(({ problems }) => problems)) row.expect(false, problem);
    await expectDecency(row, tally, apps);
    row.expect(row.serverErrors === 0, `${row.serverErrors} requests failed`);
    const stats = await Promise.all(apps.map((app) => app.stats()));
    const conflicts = stats.reduce((sum, one) => sum + one.conflicts, 0);
    row.expect(conflicts > 0, 'no two requests met');
    row.note(
      `${members.reduce((sum, { rounds }) => sum + rounds, 0)} rounds, ${conflicts} conflicts merged, ${dead.length} sessions ended`,
    );
    row.note(`${tally.count((status) => status === 400)} requests met a session that had just ended and were answered with 400`);
    row.note(`${poisoned} records were poisoned; destroyAll is no part of this library yet`);
    return [row];
  },
};

/** Replaces the record of a cookie. False if there is none. */
async function poison(redis: Redis, cookie: string): Promise<boolean> {
  if (cookie === '') return false;
  const key = redisKeyOf(cookie);
  const value = await redis.get(key);
  if (value === null || value.length <= 14) return false;
  const text = POISONS[Math.floor(Math.random() * POISONS.length)] ?? null;
  if (text === null) {
    await redis.multi().del(key).lpush(key, 'a list').expire(key, 600).exec();
  } else {
    // Half of them with the head that Sojourn writes, half with nothing that it knows.
    await redis.set(key, (Math.random() < 0.5 ? value.slice(0, 14) : '') + text, 'EX', 600);
  }
  return true;
}
