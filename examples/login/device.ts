type Names = readonly (readonly [pattern: RegExp, name: string])[];

// The first that fits counts: most browsers name others too, so as not to be turned away by old sites.
const BROWSERS: Names = [
  [/Edg(?:e|A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/SamsungBrowser\//, 'Samsung Internet'],
  [/(?:Firefox|FxiOS)\//, 'Firefox'],
  [/(?:Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/Version\/.* Safari\//, 'Safari'],
];

const SYSTEMS: Names = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/CrOS/, 'ChromeOS'],
  [/Windows/, 'Windows'],
  [/Macintosh.* (?:Chrome|Firefox)\//, 'Mac'],
  // Safari on an iPad asks for the pages of a Mac, and gives itself out as one.
  [/Macintosh/, 'Mac or iPad'],
  [/Linux/, 'Linux'],
];

/**
 * What to call a device in a list, by what it says of itself: "Chrome on Linux". A User-Agent may say anything, and leaves out much: versions are
 * frozen, browsers like Brave and Vivaldi give themselves out as Chrome. So this takes names it knows and no others, which keeps it short as well.
 */
export function deviceOf(userAgent = ''): string {
  // Room for any browser. A text of 16 KB would keep the patterns busy for a while.
  const text = userAgent.slice(0, 512);
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find(([pattern]) => pattern.test(text))?.[1]);
  if (browser === undefined && system === undefined) return UNKNOWN_DEVICE;
  if (system === undefined) return `${browser} on an unknown system`;
  return `${browser ?? 'An unknown browser'} on ${system}`;
}

export const UNKNOWN_DEVICE = 'An unknown device';
