import { posix } from 'node:path'
import type { Document } from './document-links.ts'
import type { Node, Problem, SourceFile } from './source-file.ts'

/** Where a test of this folder runs: what the page may claim about it. */
const statusOfFolder: readonly (readonly [folder: string, status: string])[] = [
  ['test/e2e/', 'real servers'],
  ['test/integration/', 'real servers'],
  ['test/smoke/', 'real servers'],
  ['test/simulation/', 'simulation'],
]

/** Suites that start no server although they lie beside those that do. */
const serverless = new Set([
  'test/integration/evidence.int.test.ts',
  'test/integration/formats.int.test.ts',
  'test/integration/cli.int.test.ts',
  'test/integration/control-store.contract.ts',
  'test/smoke/control-store.smoke.test.ts',
])

const numbered = (prefix: string, count: number, digits: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => prefix + String(index + 1).padStart(digits, '0'))

/** Every trap that this product has to know: each has one row, in whatever table. */
export const traps: readonly string[] = [
  ...numbered('T', 40, 2),
  'T05b',
  ...numbered('D', 38, 2),
  ...numbered('X', 20, 1),
  ...numbered('P', 8, 1),
]

interface Row {
  readonly trap: string
  readonly tests: readonly { readonly path: string; readonly title: string }[]
  readonly statuses: readonly string[]
  readonly open: boolean
}

/** Nothing is claimed without a test that there is, and nothing is left out. */
export function reliabilityProblems(
  { path, text }: Document,
  sources: readonly SourceFile[],
): readonly Problem[] {
  const rows = rowsOf(path, text)
  const named = rows.map(({ trap }) => trap)
  const titles = new Map(sources.map((file) => [file.path, titlesOf(file)]))
  return [
    ...traps.filter((trap) => !named.includes(trap)).map((trap) => `${path}: ${trap} has no row`),
    ...named
      .filter((trap, index) => named.indexOf(trap) !== index)
      .map((trap) => `${path}: ${trap} has two rows`),
    ...rows.flatMap((row) => rowProblems(path, row, titles)),
  ]
}

function rowProblems(
  path: string,
  { trap, tests, statuses, open }: Row,
  titles: ReadonlyMap<string, readonly RegExp[]>,
): readonly Problem[] {
  const missing = tests.flatMap((test) => {
    const known = titles.get(test.path)
    if (known === undefined) return [`${path}: ${trap}: there is no ${test.path}`]
    if (known.some((title) => title.test(test.title))) return []
    return [`${path}: ${trap}: ${test.path} has no test “${test.title}”`]
  })
  const shown = new Set(tests.map((test) => statusOf(test.path)))
  const unshown = statuses
    .filter((status) => !shown.has(status))
    .map((status) => `${path}: ${trap}: no test shows “${status}”`)
  const unsaid = [...shown]
    .filter((status) => !statuses.includes(status))
    .map((status) => `${path}: ${trap}: its status does not say “${status}”`)
  const unknown = statuses.length === 0 && !open ? [`${path}: ${trap} has no status`] : []
  return [...missing, ...unshown, ...unsaid, ...unknown]
}

/** `| **T12** what happens | what must hold | [file](path) “title” · “title” | real servers; open: … |` */
function rowsOf(path: string, text: string): readonly Row[] {
  return text.split('\n').flatMap((line) => {
    const [, first = '', , tests = '', status = ''] = line.split('|')
    const trap = /^\s*\*\*([A-Z]\d+b?)\*\*/.exec(first)?.[1]
    if (trap === undefined) return []
    const [claimed = ''] = status.split('open:')
    return [
      {
        trap,
        tests: testsOf(path, tests),
        statuses: claimed
          .split(/[,;]/)
          .map((part) => part.trim())
          .filter((part) => part !== ''),
        open: status.includes('open:'),
      },
    ]
  })
}

function testsOf(path: string, cell: string): Row['tests'] {
  const tests: { readonly path: string; readonly title: string }[] = []
  let file = ''
  for (const [, link, title] of cell.matchAll(/\]\(([^)]+)\)|“([^”]+)”/g)) {
    if (link !== undefined) file = posix.join(posix.dirname(path), link)
    if (title !== undefined) tests.push({ path: file, title })
  }
  return tests
}

function statusOf(path: string): string {
  if (serverless.has(path)) return 'property'
  return statusOfFolder.find(([folder]) => path.startsWith(folder))?.[1] ?? 'property'
}

const testFunctions = new Set(['test', 'it', 'describe', 'promise'])

/** What its tests are called, also in a table of promises; whatever a title is filled in with may be anything. */
export function titlesOf(file: SourceFile): readonly RegExp[] {
  return file.nodes.flatMap((node) => {
    const title = titleIn(node)
    const parts = title === undefined ? undefined : partsOf(title)
    return parts === undefined ? [] : [new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.+')}$`)]
  })
}

function titleIn(node: Node): Node | undefined {
  if (node.type === 'Property') {
    const { type } = node['value'] as Node
    return type === 'ArrowFunctionExpression' ? (node['key'] as Node) : undefined
  }
  if (node.type !== 'CallExpression') return undefined
  const callee = node['callee'] as Node
  const name = callee.type === 'MemberExpression' ? (callee['property'] as Node)['name'] : callee['name']
  return testFunctions.has(String(name)) ? (node['arguments'] as readonly Node[])[0] : undefined
}

/** The fixed parts of a text, between which something is filled in. */
function partsOf(title: Node): readonly string[] | undefined {
  if (title.type === 'Literal') return [String(title['value'])]
  if (title.type !== 'TemplateLiteral') return undefined
  const quasis = title['quasis'] as readonly (Node & { readonly value: { readonly cooked: string } })[]
  return quasis.map(({ value }) => value.cooked)
}
