import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { SessionEvents } from 'sojourn';

type Name = keyof SessionEvents;

export const EVENT_NAMES: readonly Name[] = [
  'created',
  'loaded',
  'saved',
  'cycled',
  'flushed',
  'revoked',
  'expired',
  'interrupted',
  'conflict',
  'corrupt',
  'refused',
  'storeError',
  'nearCache',
  'keyring',
];

/** What was published while `act` ran, in order: [name, message]. */
export async function eventsDuring(act: () => unknown): Promise<[Name, Record<string, unknown>][]> {
  const events: [Name, Record<string, unknown>][] = [];
  const listeners = EVENT_NAMES.map((name) => ({
    channel: `sojourn:${name}`,
    listen: (message: unknown) => void events.push([name, message as Record<string, unknown>]),
  }));
  for (const { channel, listen } of listeners) subscribe(channel, listen);
  try {
    await act();
  } finally {
    for (const { channel, listen } of listeners) unsubscribe(channel, listen);
  }
  return events;
}

/** The names only. */
export async function eventNamesDuring(act: () => unknown): Promise<Name[]> {
  return (await eventsDuring(act)).map(([name]) => name);
}
