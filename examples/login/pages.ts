import { type CartLine, findProduct, MAX_QUANTITY, PRODUCTS } from './cart.js';
import { type Html, html } from './html.js';
import { layout, type Visit } from './layout.js';
import { DEMO_PASSWORDS, type User } from './users.js';

const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });
const price = (cents: number): string => euros.format(cents / 100);

export function shopPage({ user, cart, views }: Visit & { readonly views: number }): string {
  const products = PRODUCTS.map(
    ({ id, name, about, cents }) => html`
      <li class="card product">
        <h3>${name}</h3>
        <p class="muted">${about}</p>
        <form method="post" action="/cart">
          <span class="price">${price(cents)}</span>
          <button name="product" value="${id}" aria-label="Add to cart: ${name}">Add to cart</button>
        </form>
      </li>`,
  );
  return layout(
    'Provisions',
    { user, cart },
    html`
    <h1>${user ? `Good to see you, ${user.fullName}` : 'Provisions for a long walk'}</h1>
    <div class="shop">
      <section aria-labelledby="products">
        <h2 id="products">On the shelf</h2>
        <ul class="products">${products}</ul>
      </section>
      ${cartSection(cart)}
    </div>
    <p class="muted">You have seen this page <strong>${views} ${views === 1 ? 'time' : 'times'}</strong>.</p>`,
  );
}

function cartSection(cart: readonly CartLine[]): Html {
  const rows = cart.flatMap(({ productId, quantity }) => {
    const product = findProduct(productId);
    return product === undefined ? [] : [{ ...product, quantity }];
  });
  const total = rows.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0);
  const lines = rows.map(
    ({ id, name, cents, quantity }) => html`
        <li>
          <span class="name">${name}</span>
          <span class="price">${price(cents * quantity)}</span>
          <form method="post" action="/cart/${id}" aria-label="Quantity of ${name}">
            <button class="quiet step" name="quantity" value="${quantity - 1}" aria-label="One less: ${name}">−</button>
            <output>${quantity}</output>
            <button class="quiet step" name="quantity" value="${quantity + 1}" aria-label="One more: ${name}"
              ${quantity < MAX_QUANTITY ? undefined : html`disabled`}>+</button>
            <button class="quiet" name="quantity" value="0" aria-label="Remove: ${name}">Remove</button>
          </form>
        </li>`,
  );
  return html`
      <section id="cart" class="card cart" aria-labelledby="cart-title">
        <h2 id="cart-title">Your cart</h2>
        ${
          rows.length === 0
            ? html`<p class="muted">Nothing yet. A light pack is a virtue, too.</p>`
            : html`<ul class="lines">${lines}</ul>
        <p class="total"><span>Total</span> <span class="price">${price(total)}</span></p>`
        }
      </section>`;
}

export interface LoginPage {
  readonly error: { readonly name: string } | undefined;
  /** The browser was signed in, and isn't any more. */
  readonly hasLostSession: boolean;
}

export function loginPage({ error, hasLostSession }: LoginPage): string {
  const accounts = DEMO_PASSWORDS.map(({ name, password }) => html`<div><dt>${name}</dt><dd>${password}</dd></div>`);
  return layout(
    'Sign in',
    undefined,
    html`
    <div class="narrow">
      <h1>Sign in</h1>
      ${
        hasLostSession
          ? html`<p class="notice" role="status">You are not signed in here any more: this browser was signed out from elsewhere, or it was away for too long.</p>`
          : undefined
      }
      ${error && html`<p class="error" id="error" role="alert">Name and password don’t match. Try again.</p>`}
      <form class="card fields" method="post" action="/login">
        <label for="name">Name</label>
        <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required
          value="${error?.name}" ${error ? html`aria-describedby="error"` : html`autofocus`}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required
          ${error && html`aria-describedby="error" autofocus`}>
        <label class="check"><input type="checkbox" name="stay" value="yes"> <span>Stay signed in on this device for 30 days</span></label>
        <button>Sign in</button>
      </form>
      <section class="muted" aria-labelledby="accounts">
        <h2 id="accounts">This is a demo: sign in as</h2>
        <dl class="accounts">${accounts}</dl>
      </section>
    </div>`,
  );
}

export function accountPage({ user, cart, expires }: Visit & { readonly user: User; readonly expires: Date | undefined }): string {
  return layout(
    'Your account',
    { user, cart },
    html`
    <div class="narrow">
      <h1>Your account</h1>
      <dl class="card facts">
        <div><dt>Signed in as</dt><dd>${user.fullName}</dd></div>
        <div><dt>Until</dt><dd>${
          expires === undefined
            ? 'you close the browser'
            : html`<time datetime="${expires.toISOString()}">${expires.toLocaleDateString('en-IE', { dateStyle: 'long' })}</time>, or longer if you come back before`
        }</dd></div>
      </dl>
      <p><a href="/account/sessions">Where you are signed in</a></p>
      <p><a href="/">Back to the shelf</a></p>
    </div>`,
  );
}

/** For what went wrong. It touches no session, so that it can be shown when there is none to be had. */
export function messagePage(message: string): string {
  return layout(
    'Sorry',
    undefined,
    html`
    <div class="narrow">
      <h1>Sorry</h1>
      <p>${message}</p>
      <p><a href="/">Back to the shelf</a></p>
    </div>`,
  );
}
