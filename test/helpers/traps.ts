// A rejection nobody handles fails the test in which it happens, instead of passing by.
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

afterEach(() => {
  const reasons = unhandled.splice(0);
  if (reasons.length > 0) throw new AggregateError(reasons, 'unhandled rejections');
});
