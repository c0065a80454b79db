import { type ParseArgsConfig, parseArgs } from 'node:util';
import { usage } from './failure.js';
import { COMMANDS, type Command, HELP } from './help.js';

type Options = NonNullable<ParseArgsConfig['options']>;

const STRING = { type: 'string' } as const;
const SWITCH = { type: 'boolean' } as const;

const COMMON = { redis: STRING, prefix: STRING, cluster: SWITCH, json: SWITCH, help: SWITCH };
const NAMES = { 'user-key': STRING, 'device-key': STRING };
const OF_COMMAND = {
  list: { user: STRING, ...NAMES },
  show: { user: STRING, data: SWITCH, ...NAMES },
  revoke: { user: STRING, everything: SWITCH, yes: SWITCH, durability: STRING },
  'clear-expired': {},
} satisfies Record<Command, Options>;

export interface Arguments {
  readonly command: Command;
  readonly ref: string | undefined;
  readonly user: string | undefined;
  readonly userKey: string;
  readonly deviceKey: string;
  readonly data: boolean;
  readonly everything: boolean;
  readonly yes: boolean;
  /** Replicas to wait for. */
  readonly durability: number | undefined;
  readonly redis: URL;
  readonly prefix: string;
  readonly cluster: boolean;
  readonly json: boolean;
}

const REF = /^[\w-]{12}$/;

/** What was typed; or a text to be printed, where help was asked for. Throws a `Failure` for wrong usage, which quotes no value. */
export function readArguments(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Arguments | { help: string } {
  const [name, ...rest] = args;
  if (name === undefined) throw usage(`a command is missing: ${COMMANDS.join(', ')}. sojourn --help tells more`);
  if (name === '--help' || name === '-h' || name === 'help') return { help: HELP[''] };
  const command = COMMANDS.find((known) => known === name);
  if (command === undefined) throw usage(`there is no such command: the first word must be one of ${COMMANDS.join(', ')}`);
  const { values, positionals } = parse(command, rest);
  if (values.help === true) return { help: HELP[command] };

  const [ref, ...more] = positionals;
  const user = values.user as string | undefined;
  const everything = values.everything === true;
  const takesRef = command === 'show' || command === 'revoke';
  if (more.length > 0 || (ref !== undefined && !takesRef)) throw wrong(command, 'there is a word too many');
  if (ref !== undefined && !REF.test(ref)) throw wrong(command, 'a ref has 12 characters, as sojourn list shows them');
  if (ref === undefined && command === 'show') throw wrong(command, 'the ref of a session is missing');
  if (command === 'revoke' && ref === undefined && user === undefined && !everything) {
    throw wrong(command, 'say which: a ref, --user <id>, or --everything');
  }
  if (everything && (ref !== undefined || user !== undefined)) throw wrong(command, '--everything goes with neither a ref nor --user');
  if (user === '') throw wrong(command, '--user needs the ID of a user');
  if (values.prefix === '') throw wrong(command, '--prefix must not be empty');
  return {
    command,
    ref,
    user,
    userKey: (values['user-key'] as string | undefined) ?? 'userId',
    deviceKey: (values['device-key'] as string | undefined) ?? 'device',
    data: values.data === true,
    everything,
    yes: values.yes === true,
    durability: replicasIn(command, values.durability as string | undefined),
    redis: urlIn((values.redis as string | undefined) ?? env.REDIS_URL),
    prefix: (values.prefix as string | undefined) ?? 'sojourn:',
    cluster: values.cluster === true,
    json: values.json === true,
  };
}

function parse(command: Command, args: readonly string[]) {
  const options: Options = { ...COMMON, ...OF_COMMAND[command] };
  // Refs may begin with a dash.
  const isRef = (word: string) => word.startsWith('-') && REF.test(word) && !(word.slice(2) in options);
  const refs = args.filter(isRef);
  try {
    return parseArgs({
      args: [...args.filter((word) => !isRef(word)), ...(refs.length > 0 ? ['--', ...refs] : [])],
      options,
      allowPositionals: true,
    });
  } catch (error) {
    // Its message may quote what was typed, the URL and its password, say.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw wrong(command, 'an option lacks its value, or has one too many');
    const names = args.map((word) => /^--([a-z-]{1,20})(?:=|$)/.exec(word)?.[1]);
    const name = names.find((candidate) => candidate !== undefined && !(candidate in options));
    throw wrong(command, name === undefined ? 'there is an unknown option' : `there is no option --${name}`);
  }
}

function wrong(command: Command, what: string) {
  return usage(`${what}. sojourn ${command} --help tells how`);
}

function replicasIn(command: Command, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const replicas = Number(text);
  if (!Number.isSafeInteger(replicas) || replicas < 1) throw wrong(command, '--durability takes a number of replicas, 1 or more');
  return replicas;
}

function urlIn(text: string | undefined): URL {
  if (text === undefined || text === '') throw usage('where is Redis? Give --redis redis://host:6379, or set REDIS_URL');
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    throw usage('the URL of Redis is none: it must be redis://user:password@host:port, or rediss:// for TLS');
  }
  // The rest of a password would else be taken for a host, and told of.
  if (/@/.test(url.pathname + url.search + url.hash)) {
    throw usage('the password in the URL of Redis has a character that ends it: write / as %2F, # as %23 and ? as %3F');
  }
  return url;
}
