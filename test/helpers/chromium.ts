import { type Browser, type BrowserContext, chromium } from 'playwright-core';
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

const settings = () => ({
  executablePath: needProgram(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'], 'chromium'),
  args: ARGS,
  // The cache that Back and Forward have in a user's browser, and not in one that is driven.
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
});

/** A real Chromium without a window. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch(settings());
}

/** One that keeps its profile in a folder, as a user's does: what has a date outlives it, and is there when it is opened again. */
export function launchProfile(
  folder: string,
  options: Parameters<typeof chromium.launchPersistentContext>[1] = {},
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, { ...settings(), ...options });
}
