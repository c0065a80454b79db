import { parseArguments } from '../../bench/arguments.ts';
import { median, percentile, show, spread } from '../../bench/figures.ts';
import { svgOf, ticksUpTo } from '../../bench/growth/svg.ts';
import { assertAnswered, type LoadResult } from '../../bench/load/load.ts';
import { report } from '../../bench/report.ts';
import { overFloor, type Results, replaced, summaryOf } from '../../bench/results.ts';
import { table } from '../../bench/table.ts';
import { targetsOf } from '../../bench/targets.ts';
import { kindOf, rawRequest, requestsOf, WORKLOADS, workloadOf } from '../../bench/workloads.ts';

const round = (cpu: number) => ({ cpu, redisCpu: 20, rate: 5000, p50: 3, p99: 9 });
const cell = (peer: string, workload: string, cpu: number[], commands = 0) => ({
  peer,
  workload,
  rounds: cpu.map(round),
  commands,
  bytes: 300,
});

const RESULTS: Results = {
  machine: {
    date: '2030-01-02',
    cpu: 'Some CPU',
    cores: 2,
    memory: '8 GB',
    pinned: true,
    system: 'linux x64',
    node: '20.0.0',
    redis: '7.0.0',
    load: 'wrk',
    commit: 'abc1234',
    packages: { express: '5.3.0' },
  },
  settings: { connections: 32, rounds: 3, seconds: 2, sessions: 1000 },
  cells: [
    cell('floor', 'C', [100, 300, 110]),
    cell('limit', 'C', [150, 150, 150], 1),
    cell('sojourn', 'C', [160, 170, 150], 1),
    cell('sojourn-again', 'C', [162], 1),
    cell('express-session', 'C', [210], 2),
  ],
  ownKeys: [
    { peer: 'sojourn', lost: 0, refused: 0 },
    { peer: 'express-session', lost: 875, refused: 0 },
  ],
  oneCounter: [{ peer: 'sojourn', lost: 0, refused: 0 }],
  redisMemory: [{ peer: 'sojourn', value: 460 }],
  heap: [{ peer: 'sojourn', value: 7_000_000 }],
  paced: { rate: 2000, p50: [], p99: [{ peer: 'sojourn', value: 2 }] },
  micro: [{ name: 'A', title: 'untouched', microseconds: 0.8, target: 1, spread: 0.02 }],
};

describe('figures', () => {
  test('the median is the middle, whatever the order, and leaves its input alone', () => {
    const values = [9, 1, 5];
    expect(median(values)).toBe(5);
    expect(values).toEqual([9, 1, 5]);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  test('a percentile is one of the values', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('the spread is that of the middle half', () => {
    expect(spread([100, 100, 100, 1000])).toBe(0);
    expect(spread([90, 100, 110, 120])).toBeCloseTo(20 / 105);
  });

  test('figures are shown with three digits, and missing ones not at all', () => {
    expect([show(0.123), show(12.34, ' µs'), show(1234.5), show(undefined), show(Number.NaN)]).toEqual(['0.12', '12.3 µs', '1235', '', '']);
  });
});

test('workloads that are measured again replace theirs, from one run for all peers, and the report says so', () => {
  const later: Results = {
    ...RESULTS,
    machine: { ...RESULTS.machine, commit: 'later' },
    cells: [cell('limit', 'C', [1]), cell('sojourn', 'C', [2])],
  };
  const results = replaced(RESULTS, later, ['C']);
  expect(results.cells.filter(({ workload }) => workload === 'C')).toEqual(later.cells);
  expect(results.cells.filter(({ workload }) => workload !== 'C')).toEqual(RESULTS.cells.filter(({ workload }) => workload !== 'C'));
  expect(report(results, true)).toContain('Measured again on 2030-01-02, commit later: C, and what is in process.');
  expect(report(RESULTS, true)).not.toContain('Measured again');
});

describe('arguments', () => {
  test('without any, everything is compared', () => {
    const args = parseArguments([]);
    expect(args).toMatchObject({ mode: 'compare', quick: false, complete: true });
    expect(args.workloads).toEqual(['A', 'B', 'C', 'D', 'E', 'G', 'F', 'H']);
    expect(args.peers).toContain('sojourn-again');
  });

  test('a part is compared in the usual order, and never taken for the whole', () => {
    const args = parseArguments(['--only', 'e,C', '--peers', 'sojourn, floor']);
    expect(args).toMatchObject({ workloads: ['C', 'E'], peers: ['floor', 'sojourn'], complete: false });
    expect(parseArguments(['--quick']).complete).toBe(false);
  });

  test.each([
    [['--only', 'X'], '--only: there is no X, but A, B'],
    [['--peers', 'nobody'], '--peers: there is no nobody, but floor'],
    [['--micro', '--growth'], "--micro and --growth don't go together"],
    [['--fast'], "Unknown option '--fast'"],
    [['--again'], '--again goes with --only'],
    [['--again', '--only', 'C', '--quick'], '--again goes with --only'],
  ])('%p is refused with the usage', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
    expect(() => parseArguments(args)).toThrow('Usage: npm run bench');
  });
});

describe('requests', () => {
  const jar = { small: ['a=1', 'a=2', 'a=3'], large: [] };

  test('go over the wire as HTTP asks for', () => {
    expect(rawRequest('GET', '/read', 'a=1')).toBe('GET /read HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=1\r\n\r\n');
    expect(rawRequest('POST', '/login', undefined)).toBe('POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n');
  });

  test('of a mix have its shares, are shuffled, and are always the same', () => {
    const requests = requestsOf(workloadOf('G'), jar);
    const count = (path: string) => requests.filter((request) => request.includes(` ${path} `)).length;
    expect([count('/read'), count('/untouched'), count('/count'), count('/login')]).toEqual([70, 15, 10, 5]);
    expect(new Set(requests.slice(0, 20).map((request) => request.split(' ')[1])).size).toBeGreaterThan(1);
    expect(requestsOf(workloadOf('G'), jar)).toEqual(requests);
  });

  test('take turns with the cookies', () => {
    const cookies = requestsOf(workloadOf('C'), jar).map((request) => /Cookie: (.*)/.exec(request)?.[1]?.trim());
    expect(cookies.slice(0, 4)).toEqual(['a=1', 'a=2', 'a=3', 'a=1']);
  });

  test.each(WORKLOADS)('the shares of $id are a hundred', ({ steps }) => {
    expect(steps.reduce((sum, { share }) => sum + share, 0)).toBe(100);
  });
});

describe('answers', () => {
  const result: LoadResult = {
    requests: 100,
    seconds: 1,
    p50: 1,
    p99: 2,
    failed: 0,
    wrong: 0,
    sample: '',
    cookies: 100,
    answers: { untouched: 0, read: 0, count: 0, login: 100 },
  };

  test('are told apart, and anything else is wrong', () => {
    expect([kindOf(200, 'ok'), kindOf(200, 'user 42'), kindOf(200, 'views 7'), kindOf(200, 'welcome')]).toEqual([
      'untouched',
      'read',
      'count',
      'login',
    ]);
    expect([kindOf(500, 'ok'), kindOf(200, 'user undefined'), kindOf(200, 'views NaN'), kindOf(200, '')]).toEqual([null, null, null, null]);
  });

  test('that are wrong, missing or of another kind end the run', () => {
    const login = workloadOf('F');
    expect(() => assertAnswered(login, result, false)).not.toThrow();
    expect(() => assertAnswered(login, { ...result, wrong: 1, sample: '500 no' }, false)).toThrow(
      '1 of 100 answers were wrong, such as "500 no"',
    );
    expect(() => assertAnswered(login, { ...result, failed: 2 }, false)).toThrow('2 requests failed');
    expect(() => assertAnswered(login, { ...result, cookies: 99 }, false)).toThrow('a login without a cookie');
    expect(() => assertAnswered(login, { ...result, answers: { ...result.answers, login: 0 } }, false)).toThrow('nothing was answered');
    expect(() => assertAnswered(workloadOf('C'), result, false)).toThrow('0.0 % of the answers are to "read", and not 100 %');
  });
});

describe('results', () => {
  test('are medians of the rounds, and what lies above the floor', () => {
    expect(summaryOf(RESULTS, 'floor', 'C')).toMatchObject({ cpu: 110, rate: 5000 });
    expect(summaryOf(RESULTS, 'floor', 'D')).toBeUndefined();
    expect(overFloor(RESULTS, 'express-session', 'floor', 'C')).toBe(100);
    expect(overFloor(RESULTS, 'koa-session', 'koa-floor', 'C')).toBeUndefined();
  });

  test('meet a target, miss it, or were not measured', () => {
    const target = (what: string) => targetsOf(RESULTS).find((each) => each.what === what);
    expect(target('C: CPU, to written by hand')).toMatchObject({ target: '≤ 1.10 ×', measured: '1.07 ×', holds: true });
    expect(target('C: over the floor, to express-session')).toMatchObject({ target: '≤ 50.0 %', measured: '50.0 %', holds: true });
    expect(target('Redis memory for 300 bytes')).toMatchObject({ measured: '460 bytes', holds: false });
    expect(target('H: writes lost')).toMatchObject({ measured: '0', holds: true });
    expect(target('C: Redis commands')).toMatchObject({ measured: '1', holds: true });
    expect(target('A: in process, memory store')).toMatchObject({ measured: '0.80 µs', holds: true });
    expect(target('D: CPU, to written by hand')).toMatchObject({ measured: '', holds: null });
    expect(target('G: p99 at a fixed rate, to written by hand')).toMatchObject({ holds: null });
  });

  test('are reported with the machine, every peer that was measured, and nothing else', () => {
    const text = report(RESULTS, true);
    expect(text).toContain('2030-01-02, commit abc1234. Some CPU, 2 cores');
    expect(text).toContain('express 5.3.0');
    expect(text).toMatch(/\| Sojourn +\| +160 \| +50\.0 \| +1\.07 \| +0\.50 \| +0\.76 \|/);
    expect(text).toMatch(/\| C: CPU, to written by hand +\| +≤ 1\.10 × \| +1\.07 × \| +holds \|/);
    expect(text).toMatch(/\| Redis memory for 300 bytes +\| +≤ 450 bytes \| +460 bytes \| +\*\*doesn't hold\*\* \|/);
    expect(text).toMatch(/\| express-session +\| +875 \| +0 \|/);
    expect(text).toMatch(/\| C +\| +12\.5 % \| +1\.2 % \|/);
    expect(text).not.toContain('koa');
    expect(text).not.toContain('## D');
    expect(text).toContain('not measured');
    expect(report(RESULTS, false)).not.toContain('not measured');
  });

  test('stand in columns of one width', () => {
    const lines = table(
      ['name', 'n'],
      [
        ['a', '1'],
        ['longer', '12345'],
      ],
    ).split('\n');
    expect(lines).toEqual(['| name   |     n |', '| ------ | ----: |', '| a      |     1 |', '| longer | 12345 |']);
  });
});

describe('charts', () => {
  const chart = svgOf({
    title: 'Cost <by> "size"',
    xLabel: 'bytes',
    yLabel: 'µs',
    lines: [
      {
        label: 'a',
        colour: 0,
        dashed: false,
        points: [
          [100, 10],
          [10_000, 40],
        ],
      },
      { label: 'b', colour: 1, dashed: true, points: [[100, 20]] },
    ],
  });

  test('have round ticks, from zero to above the highest value', () => {
    expect(ticksUpTo(40)).toEqual([0, 10, 20, 30, 40]);
    expect(ticksUpTo(170)).toEqual([0, 50, 100, 150, 200]);
  });

  test('are SVG with the text escaped, and readable in light and dark', () => {
    expect(chart).toMatch(/^<svg [^>]*aria-label="Cost &lt;by> &quot;size&quot;">/);
    expect(chart).toContain('@media (prefers-color-scheme: dark)');
    expect(chart).toContain('>10k</text>');
    expect(chart).not.toMatch(/NaN|Infinity/);
  });

  test('draw each line from left to right, higher values higher', () => {
    const [, x1, y1, x2, y2] = /class="line c0" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/.exec(chart)?.map(Number) ?? [];
    expect([x1, y1]).toEqual([76, expect.any(Number)]);
    expect(x2).toBeGreaterThan(x1 as number);
    expect(y2).toBeLessThan(y1 as number);
  });
});
