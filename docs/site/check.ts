import { dirname, join, normalize } from 'node:path';
import { isRelative } from './links.ts';

/** The files of the site, by their address: the HTML of pages, undefined for all others. */
export type Files = ReadonlyMap<string, string | undefined>;

/** The links of all pages that lead nowhere within the site: to no page, or to an anchor that a page hasn't. */
export function deadLinks(files: Files): string[] {
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (address: string): Set<string> => {
    const known = anchors.get(address) ?? new Set([...(files.get(address) ?? '').matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id));
    anchors.set(address, known);
    return known;
  };
  const dead = new Set<string>();
  for (const [address, html] of files) {
    if (html === undefined) continue;
    for (const [, target = ''] of html.matchAll(/<[^>]+ (?:href|src|srcset)="([^"]*)"/g)) {
      if (!isRelative(target)) continue;
      const [path = '', anchor] = target.split('#') as [string, string?];
      const destination = path === '' ? address : normalize(join(dirname(address), decodeURI(path)));
      if (!files.has(destination)) dead.add(`${address}: ${target} leads to no page`);
      else if (anchor !== undefined && !anchorsOf(destination).has(decodeURIComponent(anchor))) {
        dead.add(`${address}: ${target}: ${destination} has no #${anchor}`);
      }
    }
  }
  return [...dead];
}
