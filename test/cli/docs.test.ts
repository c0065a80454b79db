import { codeBlocksOf } from '../helpers/code-blocks.js';
import { lines, Site } from './cli.js';

/** Commands with what they print, in the order of the page. */
const examples = codeBlocksOf('docs/cli.md')
  .filter(({ language }) => language === 'text')
  .flatMap(({ code }) => code.split(/^\$ npx sojourn /m).slice(1))
  .map((example) => {
    const [command = '', ...output] = example.split('\n');
    return { command, output: output.join('\n') };
  });

const withoutDates = (text: string) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]{12}Z/g, 'DATE');

test('docs/cli.md shows what the command line prints', async () => {
  const site = new Site();
  await site.signIn({ userId: 'ann', device: 'Firefox on Linux', cart: [{ name: 'tea' }, { name: 'cups' }] });
  site.clock.advance(3 * 3600 - 120);
  await site.signIn({ userId: 'ann', device: 'Safari on iPhone' });
  await site.signIn({ userId: 'bob' });
  site.clock.advance(120);
  const refs = await site.refs('--user', 'ann');

  expect(examples.map(({ command }) => command)).toHaveLength(7);
  const written = lines(examples[0]?.output ?? '')
    .slice(1, 3)
    .map((row) => row.slice(0, 12));
  const asWritten = (text: string) => refs.reduce((all, ref, at) => all.replaceAll(ref, written[at] as string), text);
  const asHere = (text: string) => refs.reduce((all, ref, at) => all.replaceAll(written[at] as string, ref), text);
  for (const { command, output } of examples) {
    const { code, stdout, stderr } = await site.run(asHere(command).split(' '), { columns: 80 });
    expect([code, stderr]).toEqual([0, '']);
    expect(withoutDates(asWritten(stdout))).toBe(withoutDates(output));
  }
});
