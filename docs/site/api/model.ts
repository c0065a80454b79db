import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, SITE } from '../packages.ts';

/** What TypeDoc says of a declaration: as much of its JSON as is used here. */
export interface Declaration {
  readonly name: string;
  readonly kind: number;
  readonly flags?: { readonly isOptional?: boolean; readonly isStatic?: boolean; readonly isReadonly?: boolean; readonly isRest?: boolean };
  readonly comment?: Comment;
  readonly children?: readonly Declaration[];
  readonly signatures?: readonly Declaration[];
  readonly indexSignatures?: readonly Declaration[];
  readonly getSignature?: Declaration;
  readonly setSignature?: Declaration;
  readonly parameters?: readonly Declaration[];
  readonly typeParameters?: readonly Declaration[];
  readonly type?: Type;
  readonly default?: Type;
  readonly defaultValue?: string;
  readonly extendedTypes?: readonly Type[];
  readonly implementedTypes?: readonly Type[];
  readonly inheritedFrom?: unknown;
}

export interface Comment {
  readonly summary: readonly { readonly text: string }[];
}

/** A type; which of the fields are there depends on `type`. */
export interface Type {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  readonly types?: readonly Type[];
  readonly typeArguments?: readonly Type[];
  readonly elementType?: Type;
  readonly elements?: readonly Type[];
  readonly operator?: string;
  readonly target?: Type | number;
  readonly declaration?: Declaration;
  readonly objectType?: Type;
  readonly indexType?: Type;
  readonly queryType?: Type;
  readonly targetType?: Type;
  readonly asserts?: boolean;
  readonly element?: Type;
  readonly isOptional?: boolean;
  readonly checkType?: Type;
  readonly extendsType?: Type;
  readonly trueType?: Type;
  readonly falseType?: Type;
}

/** The numbers of TypeDoc's `ReflectionKind`. */
export const KIND = {
  variable: 32,
  function: 64,
  class: 128,
  interface: 256,
  constructor: 512,
  property: 1024,
  method: 2048,
  alias: 2_097_152,
};

/** The public declarations of each entry of the package, by its name in the file system. */
export function readModules(entries: readonly string[]): ReadonlyMap<string, readonly Declaration[]> {
  const folder = join(ROOT, 'artifacts', 'api');
  const json = join(folder, 'api.json');
  const options = join(folder, 'typedoc.json');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    options,
    JSON.stringify({
      entryPoints: entries.map((entry) => join(ROOT, entry)),
      tsconfig: join(SITE, 'tsconfig.api.json'),
      json,
      disableSources: true,
      readme: 'none',
      excludeExternals: true,
      excludeInternal: true,
      excludePrivate: true,
      treatWarningsAsErrors: true,
      // Types that only help to write a signature are shown in it by their names.
      validation: { notExported: false, invalidLink: true, notDocumented: false },
    }),
  );
  execFileSync(process.execPath, [join(SITE, 'node_modules/typedoc/bin/typedoc'), '--options', options, '--logLevel', 'Warn'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { children } = JSON.parse(readFileSync(json, 'utf8')) as { children: readonly Declaration[] };
  return new Map(children.map(({ name, children: declarations = [] }) => [name, declarations]));
}
