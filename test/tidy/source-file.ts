import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync } from 'oxc-parser'

/** One parsed file of the repository. */
export interface SourceFile {
  /** From the root, with slashes: `src/engine/executor.ts`. */
  readonly path: string
  readonly text: string
  readonly nodes: readonly Node[]
}

/** Any node of the syntax tree, with the node that holds it. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly parent: Node | undefined
  readonly [key: string]: unknown
}

/** Broken rules name the place, so that an editor can jump to it. */
export type Problem = string

export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors.map(({ message }) => message).join('; ')}`)
  const nodes: Node[] = []
  collect(program, undefined, nodes)
  return { path, text, nodes }
}

function collect(value: unknown, parent: Node | undefined, nodes: Node[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, parent, nodes)
    return
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return
  const node = Object.assign(value, { parent }) as Node
  nodes.push(node)
  for (const [key, child] of Object.entries(value)) {
    if (key !== 'parent') collect(child, node, nodes)
  }
}

/** Every TypeScript file below these folders; a folder that does not exist has none. */
export function readSources(root: string, folders: readonly string[]): readonly SourceFile[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .map((path) => path.split('\\').join('/'))
    .filter((path) => !path.includes('/node_modules/'))
    .toSorted()
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length
}

export function at(file: SourceFile, node: Node): string {
  return `${file.path}:${lineOf(file, node.start)}`
}

/** `undefined` stands for an import() whose argument is not a literal. */
export interface Import {
  readonly node: Node
  readonly specifier: string | undefined
}

const importingTypes = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

export function importsOf(file: SourceFile): readonly Import[] {
  return file.nodes
    .filter((node) => importingTypes.has(node.type) && node['source'] !== null)
    .map((node) => ({ node, specifier: literal(node['source'] as Node) }))
}

function literal(node: Node): string | undefined {
  return node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}

/** The path, from the root, that a relative specifier means. */
export function resolveImport(file: SourceFile, specifier: string): string {
  return posix.join(posix.dirname(file.path), specifier)
}
