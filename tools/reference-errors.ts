import type { Node, SourceFile } from '../test/tidy/source-file.ts'

/** One way in which the product can fail, as its source states it. */
export interface ErrorEntry {
  readonly code: string
  readonly classes: readonly string[]
  readonly messages: readonly string[]
  readonly hints: readonly string[]
  readonly files: readonly string[]
}

const codeForm = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$|^BUG$|^USAGE$/
const classNames = ['transient', 'unknown-outcome', 'refused', 'permanent', 'invalid-estate', 'bug']
/** Estates have findings, evidence has defects, and the simulator speaks with the codes of what it simulates. */
const otherCodes = /^src\/(simulation\/|evidence\/|estate\/findings)|\.test\.ts$/

interface Maker {
  readonly name: string
  readonly classes: readonly string[]
  readonly hints: readonly string[]
}

/** Every code that a RecoveryError can carry, from object literals with a `code` and from calls of functions that make one. */
export function errorEntries(sources: readonly SourceFile[]): readonly ErrorEntry[] {
  const files = sources.filter(({ path }) => path.startsWith('src/') && !otherCodes.test(path))
  const makers = files.flatMap(makersOf)
  const found = new Map<string, ErrorEntry>()
  for (const file of files) {
    for (const node of file.nodes) {
      for (const entry of [...fromObject(file, node), ...fromCall(file, node, makers)]) {
        found.set(entry.code, merged(found.get(entry.code), entry))
      }
    }
  }
  return [...found.values()].toSorted((left, right) => (left.code < right.code ? -1 : 1))
}

/** Functions of a file, by name, with the classes and hints that appear in them. */
function makersOf(file: SourceFile): readonly Maker[] {
  return file.nodes.flatMap((node) => {
    if (node.type !== 'FunctionDeclaration') return []
    const name = nameOf(node['id'])
    const inside = file.nodes.filter(({ start, end }) => start >= node.start && end <= node.end)
    const properties = inside.filter(({ type }) => type === 'Property')
    const classes = properties
      .filter((one) => nameOf(one['key']) === 'class')
      .flatMap((one) => textsOf(file, one['value']))
    const hints = properties
      .filter((one) => nameOf(one['key']) === 'hint')
      .flatMap((one) => textsOf(file, one['value']))
    const makesOne = properties.some((one) => nameOf(one['key']) === 'code')
    return makesOne && name !== undefined ? [{ name, classes: classes.filter(isClass), hints }] : []
  })
}

function fromObject(file: SourceFile, node: Node): readonly ErrorEntry[] {
  if (node.type !== 'ObjectExpression') return []
  const member = (name: string): readonly string[] => {
    const property = (node['properties'] as Node[]).find((one) => nameOf(one['key']) === name)
    return property === undefined ? [] : textsOf(file, property['value'])
  }
  const codes = member('code').filter((text) => codeForm.test(text))
  const around = enclosingHints(file, node)
  const hints = member('hint')
  return codes.map((code) => ({
    code,
    classes: member('class').filter(isClass),
    messages: member('message'),
    hints: hints.length > 0 ? hints : around,
    files: [file.path],
  }))
}

function fromCall(file: SourceFile, node: Node, makers: readonly Maker[]): readonly ErrorEntry[] {
  if (node.type !== 'CallExpression') return []
  const called = nameOf(node['callee'])
  const maker = makers.find(({ name }) => name === called)
  if (maker === undefined) return []
  const texts = (node['arguments'] as Node[]).map((argument) => textsOf(file, argument))
  const codes = texts.flat().filter((text) => codeForm.test(text))
  const said = texts.flat().filter((text) => !codeForm.test(text) && !isClass(text))
  const given = texts.flat().filter(isClass)
  const [message, ...rest] = said
  return codes.map((code) => ({
    code,
    classes: given.length > 0 ? given : maker.classes,
    messages: message === undefined ? [] : [message],
    hints: rest.length > 0 ? rest.slice(-1) : maker.hints,
    files: [file.path],
  }))
}

function enclosingHints(file: SourceFile, node: Node): readonly string[] {
  let holder = node.parent
  while (holder !== undefined && !holder.type.includes('Function')) holder = holder.parent
  if (holder === undefined) return []
  const { start, end } = holder
  const inside = file.nodes.filter(
    (one) => one.start >= start && one.end <= end && one.type === 'VariableDeclarator',
  )
  return inside.filter((one) => nameOf(one['id']) === 'hint').flatMap((one) => textsOf(file, one['init']))
}

/** Texts that an expression can be: literals, templates with their holes as `…`, both sides of a choice, or a named local. */
function textsOf(file: SourceFile, value: unknown): readonly string[] {
  const node = value as Node | null | undefined
  if (node === null || node === undefined) return []
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? [node['value']] : []
  if (node.type === 'TemplateLiteral') {
    const parts = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[]
    return [parts.map(({ value }) => value.cooked).join('…')]
  }
  if (node.type === 'ConditionalExpression') {
    return [...textsOf(file, node['consequent']), ...textsOf(file, node['alternate'])]
  }
  if (node.type === 'LogicalExpression')
    return [...textsOf(file, node['left']), ...textsOf(file, node['right'])]
  if (node.type === 'TSAsExpression') return textsOf(file, node['expression'])
  if (node.type === 'Identifier') return localTexts(file, node)
  return []
}

/** The nearest `const name = …` before its use. */
function localTexts(file: SourceFile, use: Node): readonly string[] {
  const name = nameOf(use)
  const declarations = file.nodes.filter(
    (one) => one.type === 'VariableDeclarator' && nameOf(one['id']) === name && one.start < use.start,
  )
  const init = declarations.at(-1)?.['init'] as Node | null | undefined
  return init === null || init === undefined || init.type === 'Identifier' ? [] : textsOf(file, init)
}

function merged(before: ErrorEntry | undefined, entry: ErrorEntry): ErrorEntry {
  if (before === undefined) return entry
  const union = (left: readonly string[], right: readonly string[]) => [...new Set([...left, ...right])]
  return {
    code: entry.code,
    classes: union(before.classes, entry.classes),
    messages: union(before.messages, entry.messages),
    hints: union(before.hints, entry.hints),
    files: union(before.files, entry.files),
  }
}

function isClass(text: string): boolean {
  return classNames.includes(text)
}

function nameOf(node: unknown): string | undefined {
  const { name, value } = (node ?? {}) as { readonly name?: unknown; readonly value?: unknown }
  return typeof name === 'string' ? name : typeof value === 'string' ? value : undefined
}
