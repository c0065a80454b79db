const { writeFileSync } = require('node:fs');

/**
 * A reporter for mocha that writes what became of each test, in their order, to the file that its option `output` names.
 * Mocha's own JSON lists what ended: a test that did not run, because a hook before it failed, would be missing.
 */
module.exports = class OutcomeReporter {
  constructor(runner, { reporterOptions: { output } }) {
    const hooks = [];
    const errors = new Map();
    runner.on('fail', (runnable, error) => {
      if (runnable.type === 'hook') hooks.push(outcomeOf(runnable, 'failed', error));
      else if (!errors.has(runnable)) errors.set(runnable, error);
    });
    runner.once('end', () => {
      const tests = [];
      runner.suite.eachTest((test) => {
        // A test that passes and then calls back once more has failed: the state at the end is what counts.
        const state = test.isPending() ? 'skipped' : (test.state ?? 'not run');
        tests.push(outcomeOf(test, state, errors.get(test)));
      });
      writeFileSync(output, JSON.stringify({ tests, hooks }));
    });
  }
};

function outcomeOf(runnable, state, error) {
  return { title: runnable.fullTitle(), state, error: error ? String(error.message ?? error) : '' };
}
