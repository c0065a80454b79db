import { join } from 'node:path';
import express, { type RequestHandler } from 'express';

// What a server of HTML pages needs besides its sessions, the same for all examples.

/** The style sheet. Before the session: a file that is the same for all needs none. */
export const style = express.static(join(import.meta.dirname, 'public'), { index: false });

/** Headers of pages that show who is signed in. `connect` is what their scripts may talk to. */
export function pageHeaders({ connect = "'none'" } = {}): RequestHandler {
  const policy =
    `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src ${connect}; ` +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  return (_req, res, next) => {
    // After signing out, the Back button must ask for the page anew.
    res.set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' });
    next();
  };
}

/**
 * SameSite=Lax keeps the cookie out of other sites' forms. This refuses our own site's other origins (another sub-domain, another
 * port), and forged sign-ins, which need no cookie. Browsers always name the origin of what isn't a GET; curl doesn't.
 */
export const refuseOtherOrigins: RequestHandler = (req, res, next) => {
  if (req.method === 'GET' || req.method === 'HEAD' || isOwnOrigin(req.headers)) next();
  else res.status(403).send(page('Sorry', '<p>This form was sent from another site.</p>'));
};

/** Whether a request names no origin, or the one that it was sent to. */
export function isOwnOrigin({ origin, host }: { readonly origin?: string | undefined; readonly host?: string | undefined }): boolean {
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}

/** A page. It escapes nothing: whoever puts a visitor's text into it must (examples/login/html.ts does it for all). */
export function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${main}
    </main>
  </body>
</html>
`;
}
