import { MemoryStore, OptionError, type SessionOptions, session, signed } from 'sojourn';
import type { Settings } from './scenario.js';

export const SECRET = 'a secret of the conformance tests, long enough';

/** Nobody stores anything there. */
const store = new MemoryStore();

/** The option that `session(options)` refuses, or null. */
export function refusalOf(settings: Settings): string | null {
  try {
    session({ ...optionsFrom(settings), store });
    return null;
  } catch (error) {
    if (error instanceof OptionError) return error.option;
    throw error;
  }
}

/** Django's settings as Sojourn's options. */
export function optionsFrom(settings: Settings): SessionOptions {
  return {
    secret: SECRET,
    maxAge: settings.cookie_age,
    expireAtBrowserClose: settings.expire_at_browser_close,
    saveEveryRequest: settings.save_every_request,
    codec: signed(SECRET),
    cookie: cookieOptions(settings),
  };
}

export function cookieOptions({ cookie_name, cookie_path, cookie_domain, cookie_secure, cookie_httponly, cookie_samesite }: Settings) {
  return {
    name: cookie_name,
    path: cookie_path,
    secure: cookie_secure,
    httpOnly: cookie_httponly,
    sameSite: (cookie_samesite?.toLowerCase() ?? false) as 'lax' | 'strict' | 'none' | false,
    ...(cookie_domain === null ? undefined : { domain: cookie_domain }),
  };
}
