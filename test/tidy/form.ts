import { importsOf, at, isTest, lineOf } from './source-file.ts'
import type { Node, Problem, SourceFile } from './source-file.ts'

const functionLinesMax = 70
const fileLinesMax = 500

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])

export function functionLengthProblems(file: SourceFile): readonly Problem[] {
  if (isTest(file.path)) return []
  return file.nodes.flatMap((node) => {
    if (!functionTypes.has(node.type)) return []
    const lines = lineOf(file, node.end) - lineOf(file, node.start) + 1
    if (lines <= functionLinesMax) return []
    return [`${at(file, node)}: a function of ${lines} lines; the most is ${functionLinesMax}`]
  })
}

export function fileLengthProblems(file: SourceFile): readonly Problem[] {
  if (!file.path.startsWith('src/')) return []
  const lines = file.text.trimEnd().split('\n').length
  if (lines <= fileLinesMax) return []
  return [`${file.path}: ${lines} lines; the most is ${fileLinesMax}. It usually holds two nouns`]
}

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/
const suffixes = /(\.(sim|int|e2e|smoke|contract))?(\.test)?\.ts$/

export function fileNameProblems(file: SourceFile): readonly Problem[] {
  const bad = file.path
    .replace(suffixes, '')
    .split('/')
    .filter((part) => !kebab.test(part))
  return bad.map((part) => `${file.path}: "${part}" is not kebab-case`)
}

const emptyNames = new Set(
  'util utils helper helpers common shared misc manager managers service services'.split(' '),
)

export function emptyNameProblems(file: SourceFile): readonly Problem[] {
  const bad = file.path
    .replace(suffixes, '')
    .split('/')
    .filter((part) => emptyNames.has(part))
  return bad.map((part) => `${file.path}: "${part}" does not say what is in there`)
}

export function emptyCatchProblems(file: SourceFile): readonly Problem[] {
  return file.nodes.flatMap((node) => {
    if (node.type !== 'CatchClause') return []
    const body = node['body'] as Node
    if (file.text.slice(body.start + 1, body.end - 1).trim() !== '') return []
    return [
      `${at(file, node)}: an empty catch; classify the error, rethrow it, or say in a comment why it is nothing`,
    ]
  })
}

export function defaultExportProblems(file: SourceFile): readonly Problem[] {
  if (!file.path.startsWith('src/')) return []
  return file.nodes
    .filter((node) => node.type === 'ExportDefaultDeclaration' || isNamedDefault(node))
    .map((node) => `${at(file, node)}: a default export; exports have names`)
}

function isNamedDefault(node: Node): boolean {
  return node.type === 'ExportSpecifier' && (node['exported'] as Node)['name'] === 'default'
}

export function importExtensionProblems(file: SourceFile): readonly Problem[] {
  return importsOf(file)
    .filter(({ specifier }) => specifier?.startsWith('.') === true && !/\.(ts|mjs|json)$/.test(specifier))
    .map(({ node, specifier }) => `${at(file, node)}: "${specifier}" must end in .ts`)
}

const leftOutWords = new Set(['skip', 'only', 'todo'])
const testFunctions = new Set(['test', 'it', 'describe', 'suite'])

/** `test.skip(…)`, `t.todo(…)`, and `test('…', { only: true }, …)`. */
export function leftOutTestProblems(file: SourceFile): readonly Problem[] {
  if (!isTest(file.path)) return []
  return file.nodes.flatMap((node) => {
    if (node.type !== 'CallExpression') return []
    const callee = node['callee'] as Node
    const called = callee.type === 'MemberExpression' ? nameOf(callee['property']) : undefined
    const options = testFunctions.has(nameOf(callee) ?? '') ? optionNames(node['arguments'] as Node[]) : []
    return [called, ...options]
      .filter((name) => name !== undefined && leftOutWords.has(name))
      .map((name) => `${at(file, node)}: "${name}" leaves a test out; a test runs or is not there`)
  })
}

function optionNames(args: readonly Node[]): readonly (string | undefined)[] {
  return args
    .filter(({ type }) => type === 'ObjectExpression')
    .flatMap((options) => options['properties'] as Node[])
    .map((property) => nameOf(property['key']))
}

function nameOf(node: unknown): string | undefined {
  const name = (node as Node | undefined)?.['name']
  return typeof name === 'string' ? name : undefined
}
