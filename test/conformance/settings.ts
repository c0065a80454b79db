import type { Settings } from './scenario.js';

const LONGEST_AGE = 400 * 86_400;

/**
 * The settings Sojourn runs a scenario with: its own, or if they make no cookie a browser would keep, the nearest ones
 * that do; and the option that `session(options)` refuses with the original ones.
 */
export function settingsFor(settings: Settings): { refused: string | null; settings: Settings } {
  const refused = refusedOption(settings);
  if (refused === null) return { refused, settings };
  const isHost = settings.cookie_name.startsWith('__Host-');
  return {
    refused,
    settings: {
      ...settings,
      cookie_age: Math.min(Math.max(1, settings.cookie_age), LONGEST_AGE),
      cookie_secure: settings.cookie_secure || needsSecure(settings),
      cookie_path: isHost ? '/' : settings.cookie_path,
      cookie_domain: isHost ? null : settings.cookie_domain,
    },
  };
}

function refusedOption(settings: Settings): string | null {
  const { cookie_age, cookie_name, cookie_path, cookie_domain, cookie_secure } = settings;
  if (cookie_age < 1 || cookie_age > LONGEST_AGE) return 'maxAge';
  if (settings.cookie_samesite?.toLowerCase() === 'none' && !cookie_secure) return 'cookie.sameSite';
  if (needsSecure(settings) && !cookie_secure) return 'cookie.name';
  return cookie_name.startsWith('__Host-') && (cookie_path !== '/' || cookie_domain !== null) ? 'cookie.name' : null;
}

function needsSecure({ cookie_name, cookie_samesite }: Settings): boolean {
  return /^__(Host|Secure)-/.test(cookie_name) || cookie_samesite?.toLowerCase() === 'none';
}
