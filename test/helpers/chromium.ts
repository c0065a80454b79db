import { type Browser, chromium } from 'playwright-core';
import { needProgram } from './programs.ts';

// Chromium must call nobody but the app.
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A real Chromium without a window, with the cache that Back and Forward have in a user's browser and not in one that is driven. */
export function launchChromium(): Promise<Browser> {
  const executablePath = needProgram(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], 'chromium');
  return chromium.launch({ executablePath, args: ARGS, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
}
