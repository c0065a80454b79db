import type { CartLine } from './cart.js';
import { type Html, html } from './html.js';
import type { User } from './users.js';

export interface Visit {
  readonly user: User | undefined;
  readonly cart: readonly CartLine[];
}

/** What all pages share. Without a visit there is no navigation: the page is about no session. */
export function layout(title: string, visit: Visit | undefined, main: Html): string {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title} · Wayside</title>
    <link rel="icon" href="/icon.svg">
    <link rel="stylesheet" href="/style.css">
  </head>
  <body>
    <header>
      <a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28"> <span>Wayside</span></a>
      ${visit && navigation(visit)}
    </header>
    <main>${main}
    </main>
  </body>
</html>
`.text;
}

function navigation({ user, cart }: Visit): Html {
  const pieces = cart.reduce((sum, { quantity }) => sum + quantity, 0);
  return html`
      <nav aria-label="Shop">
        <a href="/#cart">Cart <span class="badge">${pieces}</span></a>
        ${
          user === undefined
            ? html`<a href="/login">Sign in</a>`
            : html`<a href="/account">Account</a>
        <form method="post" action="/logout"><button class="quiet">Sign out</button></form>`
        }
      </nav>`;
}
