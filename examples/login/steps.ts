import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { DEMO_PASSWORDS } from './users.js';

// What the browser tests do on the pages.

const [ada] = DEMO_PASSWORDS;

export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 800 };

export const signOutButton = (page: Page): Locator => page.getByRole('button', { name: 'Sign out', exact: true });

/** Sends the sign-in form as Ada. */
export async function signIn(page: Page, { password = ada.password as string, stay = false } = {}): Promise<void> {
  await page.goto('/login');
  await page.getByLabel('Name').fill(ada.name);
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Stay signed in').setChecked(stay);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Leaves a picture of the page in artifacts/login, and wants nothing to stick out of its sides. */
export async function look(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(__dirname, '../../artifacts/login', `${name}.png`), fullPage: true });
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect([name, await page.evaluate(overflow)]).toEqual([name, 0]);
}
