import type { Declaration, Type } from './model.ts';

/** A type as TypeScript writes it. */
export function textOf(type: Type | undefined): string {
  if (type === undefined) return 'any';
  const { types = [], elements = [], name = '' } = type;
  switch (type.type) {
    case 'array':
      return `${inParentheses(type.elementType)}[]`;
    case 'conditional':
      return `${textOf(type.checkType)} extends ${textOf(type.extendsType)} ? ${textOf(type.trueType)} : ${textOf(type.falseType)}`;
    case 'indexedAccess':
      return `${textOf(type.objectType)}[${textOf(type.indexType)}]`;
    case 'intersection':
      return types.map(inParentheses).join(' & ');
    case 'literal':
      return typeof type.value === 'string' ? `'${type.value}'` : String(type.value);
    case 'namedTupleMember':
      return `${name}${type.isOptional ? '?' : ''}: ${textOf(type.element)}`;
    case 'optional':
      return `${textOf(type.elementType)}?`;
    case 'predicate':
      return `${type.asserts ? 'asserts ' : ''}${name}${type.targetType ? ` is ${textOf(type.targetType)}` : ''}`;
    case 'query':
      return `typeof ${textOf(type.queryType)}`;
    case 'reference':
      return name + argumentsOf(type.typeArguments);
    case 'reflection':
      return reflected(type.declaration as Declaration);
    case 'rest':
      return `...${textOf(type.elementType)}`;
    case 'tuple':
      return `[${elements.map(textOf).join(', ')}]`;
    case 'typeOperator':
      return `${type.operator} ${inParentheses(type.target as Type)}`;
    case 'union':
      return types.map(inParentheses).join(' | ');
    default:
      // Those that only have a name: string, this, ...
      return name || type.type;
  }
}

/** `name(key: string): boolean`. `arrow` is what stands before the result: a colon, or the arrow of a function type. */
export function signature(name: string, { typeParameters, parameters = [], type }: Declaration, arrow = ': '): string {
  return `${name}${typeParametersOf(typeParameters)}(${parameters.map(parameter).join(', ')})${arrow}${textOf(type)}`;
}

/** The same for a block of code: a line for each parameter where one line would be too long. */
export function signatureBlock(name: string, declaration: Declaration): string {
  const line = signature(name, declaration);
  const { typeParameters, parameters = [], type } = declaration;
  if (line.length <= MAX_LINE || parameters.length === 0) return line;
  return `${name}${typeParametersOf(typeParameters)}(\n${parameters.map((each) => `  ${parameter(each)},\n`).join('')}): ${textOf(type)}`;
}

const MAX_LINE = 84;

export function typeParametersOf(parameters: readonly Declaration[] = []): string {
  if (parameters.length === 0) return '';
  const one = ({ name, type, default: fallback }: Declaration) =>
    name + (type ? ` extends ${textOf(type)}` : '') + (fallback ? ` = ${textOf(fallback)}` : '');
  return `<${parameters.map(one).join(', ')}>`;
}

/** `readonly name?: string` */
export function property({ name, flags, type }: Declaration): string {
  return `${flags?.isStatic ? 'static ' : ''}${flags?.isReadonly ? 'readonly ' : ''}${name}${flags?.isOptional ? '?' : ''}: ${textOf(type)}`;
}

function parameter({ name, flags, type, defaultValue }: Declaration): string {
  const optional = flags?.isOptional || defaultValue !== undefined ? '?' : '';
  return `${flags?.isRest ? '...' : ''}${name === '__namedParameters' ? 'options' : name}${optional}: ${textOf(type)}`;
}

function reflected({ signatures = [], children = [], indexSignatures = [] }: Declaration): string {
  const [only] = signatures;
  if (only && signatures.length === 1 && children.length === 0) return signature('', only, ' => ');
  const members = [
    ...signatures.map((each) => signature('', each)),
    ...indexSignatures.map(({ parameters = [], type }) => `[${parameters.map(parameter).join(', ')}]: ${textOf(type)}`),
    ...children.flatMap((child) => child.signatures?.map((each) => signature(child.name, each)) ?? [property(child)]),
  ];
  return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`;
}

function argumentsOf(types: readonly Type[] = []): string {
  return types.length === 0 ? '' : `<${types.map(textOf).join(', ')}>`;
}

/** Within other types a function or a union needs parentheses. */
function inParentheses(type: Type | undefined): string {
  const text = textOf(type);
  const isFunction = type?.type === 'reflection' && text.includes('=>') && !text.startsWith('{');
  const isComposed = type !== undefined && ['union', 'conditional', 'intersection'].includes(type.type);
  return isFunction || isComposed ? `(${text})` : text;
}
