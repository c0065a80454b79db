import { type Running, startApp as start } from '../helpers/app.js';

const running: Running[] = [];

// After a test that failed half-way, an open server would keep the whole run from ending.
afterAll(() => Promise.all(running.map((app) => app.close())));

/** `startApp` of the helpers, closed after the file's tests at the latest. */
export const startApp: typeof start = async (...args) => {
  const app = await start(...args);
  running.push(app);
  return app;
};
