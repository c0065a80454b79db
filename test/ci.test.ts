import { readFileSync } from 'node:fs';

// The ways to check everything don't drift apart.

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const read = (name: string) => readFileSync(name, 'utf8');

test('npm run check is what .ci/run does, but for the installing', () => {
  // The README's command, which .ci/run takes from there, is `npm test`.
  const steps = [...read('.ci/run').matchAll(/^(npm run [\w:]+)$|bash -c "\$command"$/gm)].map(([, step]) => step ?? 'npm test');
  expect(scripts.check).toBe(steps.join(' && '));
});

test("nothing is published that wasn't checked on every Node, and only the step that publishes has an identity", () => {
  const jobs = read('.github/workflows/release.yml').split(/^(?= {2}\w+:$)/m);
  const withIdentity = jobs.filter((job) => job.includes('id-token: write'));
  expect(withIdentity).toHaveLength(1);
  expect(withIdentity[0]).toContain('needs: [check, package]');
  expect(withIdentity[0]).toContain('npm publish --provenance');
  expect(read('.github/workflows/release.yml')).toContain('node: [20, 22, 24, 26]');
});
