import type { SessionInfo } from 'sojourn';
import { UNKNOWN_DEVICE } from './device.js';
import { type Html, html } from './html.js';
import { layout, type Visit } from './layout.js';

export interface SessionsPage extends Visit {
  readonly sessions: readonly SessionInfo[];
  /** What was done just now. */
  readonly notice: string | undefined;
  /** Milliseconds. */
  readonly now: number;
}

/** "Where you are signed in", this browser first. */
export function sessionsPage({ user, cart, sessions, notice, now }: SessionsPage): string {
  const others = sessions.filter(({ current }) => !current);
  const items = [...sessions.filter(({ current }) => current), ...others].map((session) => sessionItem(session, now));
  return layout(
    'Where you are signed in',
    { user, cart },
    html`
    <div class="narrow">
      <h1>Where you are signed in</h1>
      ${notice && html`<p class="notice" role="status">${notice}</p>`}
      <p class="muted">The names are what browsers say of themselves, which may be wrong. Sign out what you don’t know or no longer use.</p>
      <ul class="sessions">${items}</ul>
      ${
        others.length === 0
          ? html`<p>You are signed in nowhere else.</p>`
          : html`<form method="post" action="/account/sessions/end-others"><button>Sign out all others</button></form>`
      }
      <p><a href="/account">Back to your account</a></p>
    </div>`,
  );
}

function sessionItem(session: SessionInfo, now: number): Html {
  const { ref, createdAt, lastSeenAt, current } = session;
  const name = deviceNameOf(session);
  return html`
        <li class="card session">
          <h2>${name}${current ? html` <span class="badge">This browser</span>` : undefined}</h2>
          <dl class="facts" id="facts-${ref}">
            <div><dt>Last seen</dt><dd>${current ? 'now' : time(lastSeenAt, timeSince(lastSeenAt, now))}</dd></div>
            <div><dt>Signed in</dt><dd>${time(createdAt, `${moment.format(createdAt)}\u00a0UTC`)}</dd></div>
          </dl>
          ${
            current
              ? undefined
              : html`<form method="post" action="/account/sessions/end">
            <button class="quiet" name="session" value="${ref}" aria-label="Sign out: ${name}" aria-describedby="facts-${ref}">Sign out</button>
          </form>`
          }
        </li>`;
}

export function deviceNameOf({ device }: SessionInfo): string {
  return device ?? UNKNOWN_DEVICE;
}

const time = (date: Date, words: string): Html => html`<time datetime="${date.toISOString()}">${words}</time>`;

// In UTC: the server doesn't know the time zone of who reads this.
const moment = new Intl.DateTimeFormat('en-IE', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
const relative = new Intl.RelativeTimeFormat('en');
const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;
/** Seconds. Sojourn notes at most every five minutes that a session was seen: to say more than this would be a guess. */
const LATELY = 600;

/** How long ago it was in plain words. `now` in milliseconds. */
export function timeSince(date: Date, now: number): string {
  const seconds = (now - date.getTime()) / 1000;
  const unit = UNITS.find(([, length]) => seconds >= length);
  if (seconds < LATELY || unit === undefined) return 'in the last ten minutes';
  const [name, length] = unit;
  return relative.format(-Math.floor(seconds / length), name);
}
