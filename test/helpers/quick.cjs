/** For Jest's `--filter`: the tests that `npm test` runs, which are all but those called `*.slow.test.ts`. See CONTRIBUTING.md. */
module.exports = (paths) => ({ filtered: paths.filter((path) => !path.endsWith('.slow.test.ts')) });
