/**
 * The session's data for TypeScript. Augment it, and every `req.session` of the program knows its keys:
 * `declare module 'sojourn' { interface SessionData { userId: string } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be augmented
export interface SessionData {}

/** The keys of typed data; any string as long as nothing is typed. */
export type SessionKeyOf<Data> = [keyof Data] extends [never] ? string : keyof Data & string;
/** What is under a key; `unknown` as long as nothing is typed. */
export type SessionValueOf<Data, Key> = Key extends keyof Data ? Data[Key] : unknown;
/** Several entries at once. */
export type SessionEntriesOf<Data> = [keyof Data] extends [never] ? Record<string, unknown> : Partial<Data>;
/** What a look-up with a default gives: the default's own type as long as nothing is typed. An `[]` takes on the value's type. */
export type OrDefault<Data, Key, Default> = Key extends keyof Data
  ? [Default] extends [Data[Key]]
    ? Data[Key]
    : Data[Key] | Default
  : Widened<Default>;
/** `get('views', 0)` is a number, not the number 0, and `get('cart', [])` no list of nothing. A union was meant as it is. */
type Widened<Type, Whole = Type> = Type extends unknown ? ([Whole] extends [Type] ? WidenedLiteral<Type> : Type) : never;
type WidenedLiteral<Type> = Type extends number
  ? number
  : Type extends string
    ? string
    : Type extends boolean
      ? boolean
      : Type extends never[]
        ? unknown[]
        : Type;
