import { warnOnce } from './events.js';

/** Why a new session key can't reach the client. */
export type Blocked = 'insecure' | 'headers-sent' | 'path';

/** What to tell the developer about it. */
export const PROBLEM_OF: Record<Blocked, string> = {
  insecure:
    'No new session is stored: its cookie has the Secure attribute and this connection is not secure. ' +
    "Behind a proxy that ends TLS, app.set('trust proxy', 1); without TLS, use cookie: { secure: 'auto' }.",
  'headers-sent':
    'No new session is stored: the response has begun, so its cookie can no longer be sent. ' +
    'Change the session before the first write, flushHeaders() or end().',
  path:
    "No new session is stored: the request is outside of the cookie's path, so the client would not send the cookie back here. " +
    'Mount the session where cookie.path points, or widen cookie.path.',
};

/** The code of the warning. */
const CODE_OF: Record<Blocked, string> = {
  insecure: 'SOJOURN_INSECURE',
  'headers-sent': 'SOJOURN_HEADERS_SENT',
  path: 'SOJOURN_PATH',
};

/** Says so, once per process. */
export function warnBlocked(blocked: Blocked): void {
  warnOnce(CODE_OF[blocked], PROBLEM_OF[blocked]);
}
