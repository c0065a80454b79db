import type { Page } from '../pages.ts';
import { type Comment, type Declaration, KIND, readModules } from './model.ts';
import { property, signatureBlock, textOf, typeParametersOf } from './types.ts';

/** The entries of the package, in the order of the navigation. */
const ENTRIES = [
  {
    module: 'index',
    file: 'src/index.ts',
    title: 'sojourn',
    first: ['session', 'Session', 'SessionOptions', 'SessionMiddleware'],
    text: "Everything but the two entries below: `import { session, RedisStore } from 'sojourn'`.",
  },
  {
    module: 'testing',
    file: 'src/testing.ts',
    title: 'sojourn/testing',
    first: ['signedIn', 'sessionOf', 'testClock'],
    text: 'For the tests of an application: [Testing](../docs/testing.md) shows how.',
  },
  {
    module: 'express-session',
    file: 'src/express-session/index.ts',
    title: 'sojourn/express-session',
    first: ['session', 'SessionOptions', 'Session'],
    text: 'The drop-in for express-session: [From express-session](../docs/express-session.md) is the guide. `session` is the default export.',
  },
];

const GROUPS: readonly { readonly title: string; readonly kind: number }[] = [
  { title: 'Functions', kind: KIND.function },
  { title: 'Classes', kind: KIND.class },
  { title: 'Interfaces', kind: KIND.interface },
  { title: 'Types', kind: KIND.alias },
];

/** The API reference, made of the comments in the sources: a page for each entry of the package. Runs TypeDoc. */
export function apiPages(): Page[] {
  const modules = readModules(ENTRIES.map(({ file }) => file));
  return ENTRIES.map(({ module, title, first, text }): Page => {
    const declarations = [...(modules.get(module) ?? [])].sort(byPlaceThenName(first));
    const groups = GROUPS.map((group) => {
      const own = declarations.filter(({ kind }) => kind === group.kind);
      return own.length === 0 ? '' : `## ${group.title}\n\n${own.map(described).join('\n\n')}`;
    });
    const markdown = [`# ${title}`, text, FROM_COMMENTS, ...groups.filter((each) => each !== '')].join('\n\n');
    return { source: `api/${title.replace('sojourn/', '')}.md`, markdown, section: 'Reference' };
  });
}

const FROM_COMMENTS = 'Made from the comments in the sources. All ages are in seconds, all other times in milliseconds.';

function byPlaceThenName(first: readonly string[]) {
  const place = ({ name }: Declaration) => (first.includes(name) ? first.indexOf(name) : first.length);
  return (one: Declaration, other: Declaration) => place(one) - place(other) || one.name.localeCompare(other.name);
}

function described(declaration: Declaration): string {
  const { kind, name, comment } = declaration;
  if (kind === KIND.function) return describedFunction(declaration);
  if (kind === KIND.alias) return joined(`### ${name}`, code(`type ${name} = ${aliased(declaration)}`), textOfComment(comment));
  const members = (declaration.children ?? []).filter((child) => child.inheritedFrom === undefined);
  const isTable = kind === KIND.interface && members.length > 0 && members.every((child) => child.kind === KIND.property && isShort(child));
  return joined(
    `### ${name}`,
    code(head(declaration)),
    textOfComment(comment),
    ...(declaration.signatures ?? []).map((each) => joined(code(signatureBlock('', each)), textOfComment(each.comment))),
    ...(isTable ? [table(members)] : members.map(member)),
  );
}

/** A table is read along its lines: what is long or has paragraphs stands better by itself. */
function isShort({ comment, type }: Declaration): boolean {
  return textOf(type).length <= 80 && !textOfComment(comment).includes('\n\n');
}

function describedFunction({ name, signatures = [] }: Declaration): string {
  return joined(
    `### ${name}()`,
    ...signatures.map((each) => joined(code(signatureBlock(`function ${name}`, each)), textOfComment(each.comment))),
  );
}

function head({ kind, name, typeParameters, extendedTypes = [], implementedTypes = [] }: Declaration): string {
  const after = (word: string, types: readonly (typeof extendedTypes)[number][]) =>
    types.length === 0 ? '' : ` ${word} ${types.map(textOf).join(', ')}`;
  const word = kind === KIND.class ? 'class' : 'interface';
  return `${word} ${name}${typeParametersOf(typeParameters)}${after('extends', extendedTypes)}${after('implements', implementedTypes)}`;
}

function aliased({ type, children, signatures }: Declaration): string {
  return type
    ? textOf(type)
    : textOf({ type: 'reflection', declaration: { name: '', kind: 0, ...(children && { children }), ...(signatures && { signatures }) } });
}

function member(declaration: Declaration): string {
  const { name, kind, flags, signatures, getSignature, setSignature } = declaration;
  const before = flags?.isStatic ? 'static ' : '';
  if (kind === KIND.constructor) {
    return joined(
      '#### new',
      ...(signatures ?? []).map((each) =>
        joined(
          code(signatureBlock(`new ${textOf(each.type)}`, { ...each, type: { type: '' } }).replace(/: $/, '')),
          textOfComment(each.comment),
        ),
      ),
    );
  }
  if (signatures) {
    return joined(
      `#### ${name}()`,
      ...signatures.map((each) => joined(code(signatureBlock(before + name, each)), textOfComment(each.comment))),
    );
  }
  if (getSignature || setSignature) {
    const readonly = setSignature ? '' : 'readonly ';
    return joined(
      `#### ${name}`,
      code(`${before}${readonly}${name}: ${textOf(getSignature?.type ?? setSignature?.parameters?.[0]?.type)}`),
      textOfComment(getSignature?.comment),
      textOfComment(setSignature?.comment),
    );
  }
  return joined(`#### ${name}`, code(property(declaration)), textOfComment(declaration.comment));
}

function table(members: readonly Declaration[]): string {
  const row = ({ name, flags, type, comment }: Declaration) =>
    `| \`${name}${flags?.isOptional ? '?' : ''}\` | \`${cell(textOf(type))}\` | ${cell(textOfComment(comment))} |`;
  return ['| Name | Type | Meaning |', '| --- | --- | --- |', ...members.map(row)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function code(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function textOfComment(comment: Comment | undefined): string {
  return (comment?.summary ?? [])
    .map(({ text }) => text)
    .join('')
    .trim();
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}
