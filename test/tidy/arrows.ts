import { importsOf, at, isTest, resolveImport } from './source-file.ts'
import type { Problem, SourceFile } from './source-file.ts'

/**
 * A row may import the columns named here, and itself; what is absent is forbidden. A type counts as much as a value. `drivers/x` is a
 * row of its own for every x, so no driver imports another. `everything` is for the one place that composes. A column with a slash
 * is one file: actions and watch read what an agent says (`agent/wire`) and agents run actions, without leaning on each other otherwise.
 */
const mayImport: Readonly<Record<string, string>> = {
  domain: '',
  ports: 'domain',
  estate: 'domain',
  engine: 'domain ports',
  actions: 'domain ports estate engine agent/wire',
  procedures: 'domain ports estate engine actions',
  watch: 'domain ports estate engine agent/wire',
  agent: 'domain ports estate engine actions',
  protocol: 'domain ports',
  vault: 'domain ports protocol',
  journal: 'domain ports protocol',
  capture: 'domain ports protocol',
  recovery: 'domain ports protocol vault capture',
  drivers: 'domain ports protocol',
  platform: 'domain ports',
  evidence: 'domain ports engine',
  api: 'domain estate',
  server: 'domain ports estate engine actions procedures watch agent evidence api',
  simulation:
    'domain ports protocol estate engine actions procedures watch agent server vault journal capture recovery',
  lab: 'domain ports estate engine actions procedures watch agent server drivers platform protocol evidence vault journal capture',
  cli: 'everything',
}

/** A unit test may also run its subject in a simulated or real World, against what lies below `test/`. */
const testsMayAlsoImport = ['domain', 'ports', 'simulation', 'platform', 'test']

export function arrowProblems(file: SourceFile): readonly Problem[] {
  if (!file.path.startsWith('src/')) return []
  const from = layerOf(file.path)
  const allowed = mayImport[from.layer]
  if (allowed === undefined)
    return [`${file.path}: test/tidy/arrows.ts has no row for the folder src/${from.layer}`]
  if (allowed === 'everything') return []
  const columns = new Set([...allowed.split(' '), ...(isTest(file.path) ? testsMayAlsoImport : [])])
  return importsOf(file).flatMap(({ node, specifier }) => {
    if (specifier === undefined) return [`${at(file, node)}: import() of a computed path cannot be checked`]
    if (!specifier.startsWith('.')) return []
    const target = resolveImport(file, specifier)
    const to = layerOf(target)
    const isAllowed = to.layer === from.layer ? to.unit === from.unit : columns.has(to.layer)
    if (isAllowed || columns.has(target.replace(/^src\/(.*)\.ts$/, '$1'))) return []
    return [`${at(file, node)}: ${from.unit} may not import ${to.unit}`]
  })
}

/** `src/drivers/postgres/x.ts` → layer `drivers`, unit `drivers/postgres`; `src/engine/x.ts` → `engine`, `engine`. */
function layerOf(path: string): { readonly layer: string; readonly unit: string } {
  const [top, layer = '', next = ''] = path.split('/')
  if (top !== 'src') return { layer: top ?? '', unit: path }
  const isDriver = layer === 'drivers' && !next.endsWith('.ts')
  return { layer, unit: isDriver ? `drivers/${next}` : layer }
}

/** The one database that is ours stays behind the port of the control store. */
export function sqliteProblems(file: SourceFile): readonly Problem[] {
  if (!file.path.startsWith('src/') || file.path.startsWith('src/platform/')) return []
  return importsOf(file)
    .filter(({ specifier }) => specifier === 'node:sqlite')
    .map(({ node }) => `${at(file, node)}: node:sqlite is for src/platform`)
}
