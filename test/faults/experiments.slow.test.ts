import { EXPERIMENTS } from './experiments/index.js';
import { Lab } from './lab.js';

// The experiments that are quick enough for every run, with short outages. `npm run faults` runs all of them at length.
describe.each(EXPERIMENTS.filter(({ isQuick }) => isQuick))('$name: $title', ({ run }) => {
  const lab = new Lab();
  afterAll(() => lab.close());

  it('holds what is promised', async () => {
    for (const { name, failures } of await run(lab, { quick: true, minutes: 0 }))
      expect({ name, failures }).toEqual({ name, failures: [] });
  });
});
