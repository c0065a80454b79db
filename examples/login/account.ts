import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { SessionMiddleware } from 'sojourn';
import { accountPage } from './pages.js';
import { field, signedInUser } from './request.js';
import { deviceNameOf, sessionsPage } from './sessions-page.js';
import type { User } from './users.js';

/** The pages of who is signed in, and of where else. `clock` gives milliseconds. */
export function accountRoutes(sessions: SessionMiddleware, clock: () => number): Router {
  const routes = Router();

  routes.get(
    '/',
    forUsers((user, req, res) => {
      const expires = req.session.getExpireAtBrowserClose() ? undefined : req.session.getExpiryDate();
      res.send(accountPage({ user, cart: req.session.get('cart', []), expires }));
    }),
  );

  routes.get(
    '/sessions',
    forUsers(async (user, req, res) => {
      const list = await sessions.of(user.id).list({ current: req.session });
      const notice = req.session.pop('notice');
      res.send(sessionsPage({ user, cart: req.session.get('cart', []), sessions: list, notice, now: clock() }));
    }),
  );

  routes.post(
    '/sessions/end',
    forUsers(async (user, req, res) => {
      const mine = sessions.of(user.id);
      const ref = field(req, 'session');
      const session = (await mine.list({ current: req.session })).find((one) => one.ref === ref);
      if (session?.current) {
        req.session.flush();
        return res.redirect(303, '/');
      }
      // False for a ref that isn't this user's, and for what has ended meanwhile.
      const ended = await mine.revoke(ref);
      req.session.set('notice', session && ended ? `Signed out: ${deviceNameOf(session)}.` : 'That one was signed out already.');
      res.redirect(303, '/account/sessions');
    }),
  );

  routes.post(
    '/sessions/end-others',
    forUsers(async (user, req, res) => {
      const ended = await sessions.of(user.id).revokeAll({ except: req.session });
      req.session.set('notice', ended === 1 ? 'Signed out: one other.' : `Signed out: ${ended} others.`);
      res.redirect(303, '/account/sessions');
    }),
  );

  return routes;
}

/** All others are sent to sign in. */
function forUsers(handle: (user: User, req: Request, res: Response) => unknown): RequestHandler {
  return (req, res) => {
    const user = signedInUser(req);
    return user === undefined ? res.redirect(303, '/login') : handle(user, req, res);
  };
}
