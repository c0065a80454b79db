import { createServer } from 'node:http';
import type { Express } from 'express';
import express4 from 'express4';
import express5 from 'express5';
import { type SessionMiddleware, type SessionOptions, session } from 'sojourn';
import { listen, type Running, SECRET } from './app.ts';

export const EXPRESS: Record<string, () => Express> = { 'Express 5': express5, 'Express 4': express4 };

/** An app of that Express with sessions and its routes. It has no error handler but Express' own. */
export async function startExpress(
  make: () => Express,
  options: SessionOptions,
  routes: (app: Express) => void,
): Promise<Running & { sessions: SessionMiddleware }> {
  const app = make();
  const sessions = session({ secret: SECRET, ...options });
  app.use(sessions);
  routes(app);
  return { ...(await listen(createServer(app))), sessions };
}
