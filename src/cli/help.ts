const CONNECTION = `  --redis <url>       redis:// or rediss://; REDIS_URL unless told
  --prefix <text>     what keys of the store begin with; sojourn: unless told
  --cluster           the URL is that of a node of a Cluster
  --json              JSON instead of text
  --help`;

const NAMES = `  --user-key <key>    what the session calls its user; userId unless told
  --device-key <key>  what it calls its device; device unless told`;

export const COMMANDS = ['list', 'show', 'revoke', 'clear-expired'] as const;
export type Command = (typeof COMMANDS)[number];

/** The help of the whole, under '', and of each command. */
export const HELP: Readonly<Record<Command | '', string>> = {
  '': `Sessions of Sojourn in Redis: look at them, end them.

  sojourn list            the living sessions, or those of one user
  sojourn show <ref>      one session
  sojourn revoke          ends one, those of one user, or all
  sojourn clear-expired   tidies up what Redis doesn't expire by itself

sojourn <command> --help tells more. All commands take:
${CONNECTION}

A session is named by its ref, which is of no use as a cookie.
A password is better kept in REDIS_URL: others on the machine see what you type.
Exit codes: 0 done, 1 not found or failed, 2 wrong usage.`,

  list: `sojourn list [--user <id>]

The living sessions: a table on a terminal, else tabs and full values (ref,
user, created, last seen, expires, bytes, device), or one JSON object a line.
All sessions come as they are found; those of a user last seen first.

  --user <id>         those of this user, by the ID that the option user gives
${NAMES}
${CONNECTION}`,

  show: `sojourn show <ref>

One session: its state, its times, and the names and sizes of its data.

  --data              the values of the data as well
  --user <id>         whose session it is; without, all keys are gone through
${NAMES}
${CONNECTION}`,

  revoke: `sojourn revoke <ref> [--user <id>]
sojourn revoke --user <id>
sojourn revoke --everything

Ends one session, all of a user, or all sessions whatever. With ref and --user:
the one, found without going through all keys.

  --user <id>         the user, by the ID that the option user gives
  --everything        asks before it does so
  --yes               doesn't ask
  --durability <n>    waits until n replicas have it, for 5 seconds; else fails
${CONNECTION}`,

  'clear-expired': `sojourn clear-expired

Redis expires sessions by itself. This takes what leads nowhere out of the lists
of users' sessions, and deletes records that a revocation ended without finding
them. Nobody is signed out by it.

${CONNECTION}`,
};
