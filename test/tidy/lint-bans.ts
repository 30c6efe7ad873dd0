// Restriction rules fail open: a typing error in a pattern forbids nothing, silently. So every ban has a sample that must be
// reported, and the folders where a ban is off have the same samples, which must not be.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

interface LintConfig {
  readonly rules: Readonly<Record<string, Setting>>
  readonly overrides: readonly { readonly files: readonly string[]; readonly rules: LintConfig['rules'] }[]
}
type Setting = string | readonly [string, ...unknown[]]

interface NamedBan {
  readonly name?: string
  readonly object?: string
  readonly property?: string
}

export interface Sample {
  readonly path: string
  readonly text: string
}

export function readLintConfig(root: string): LintConfig {
  return JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as LintConfig
}

/** One key for each thing that the configuration forbids: `max-lines`, `global Date`, `property Math.random`, `import src/watch/**`. */
export function bansOf({ rules, overrides }: LintConfig): readonly string[] {
  return [
    ...Object.entries(rules).flatMap(([rule, setting]) => bansOfRule(rule, setting)),
    ...overrides.flatMap((override) => {
      const setting = override.rules['no-restricted-imports']
      return setting === undefined || setting === 'off'
        ? []
        : override.files.map((files) => `import ${files}`)
    }),
  ]
}

function bansOfRule(rule: string, setting: Setting): readonly string[] {
  const [level, ...options] = typeof setting === 'string' ? [setting] : setting
  if (level === 'off') return []
  if (rule === 'no-restricted-globals') return (options as NamedBan[]).map(({ name }) => `global ${name}`)
  if (rule === 'no-restricted-properties') {
    return (options as NamedBan[]).map(({ object, property }) => `property ${object}.${property}`)
  }
  return [rule]
}

const functionOf = (lines: number): string =>
  `export function long(): void {\n${'  void 0\n'.repeat(lines - 2)}}\n`

/** By rule; the file lies in src/engine, where every ban holds. */
const samplesByRule: Readonly<Record<string, string>> = {
  'max-lines': '// a line\n'.repeat(501),
  'max-lines-per-function': functionOf(71),
  'import/no-cycle': "export { other } from './cycle-other.ts'\nexport const one = 1\n",
  'typescript/no-floating-promises':
    'const work = async () => {}\nexport const start = () => {\n  work()\n}\n',
  'typescript/no-misused-promises': 'const ask = async () => true\nexport const answer = ask() ? 1 : 2\n',
  'typescript/switch-exhaustiveness-check':
    "export function f(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n      break\n  }\n}\n",
  'typescript/await-thenable': 'export const f = async () => {\n  await 1\n}\n',
  'typescript/no-explicit-any': 'export const x: any = 1\n',
  'typescript/consistent-type-imports':
    "import { A } from './sample-types.ts'\nexport const a = (x: A): A => x\n",
  'typescript/only-throw-error': "export const f = () => {\n  throw 'text'\n}\n",
  'typescript/return-await':
    'const g = async () => 1\nexport const f = async () => {\n  try {\n    return g()\n  } finally {\n    void 0\n  }\n}\n',
  'typescript/prefer-readonly':
    'export class A {\n  private x = 1\n  get(): number {\n    return this.x\n  }\n}\n',
  'unicorn/filename-case': 'export const x = 1\n',
  'no-misleading-character-class': 'export const x = /[👶🏻]/\n',
  'unicorn/prefer-node-protocol': "export { createHash } from 'crypto'\n",
}

const pathsByRule: Readonly<Record<string, string>> = {
  'import/no-cycle': 'src/engine/cycle-one.ts',
  'unicorn/filename-case': 'src/engine/camelCase.ts',
}

/** What the samples import. */
export const scenery: readonly Sample[] = [
  {
    path: 'src/engine/cycle-other.ts',
    text: "import { one } from './cycle-one.ts'\nexport const other = one\n",
  },
  { path: 'src/engine/sample-types.ts', text: 'export interface A {\n  readonly a: number\n}\n' },
]

/** Folders whose layer is pure but for hashing: chance from node:crypto is forbidden there by name. */
const hashingFolders = ['src/estate', 'src/engine', 'src/agent']

/** Undefined: nobody wrote a sample for this ban. */
export function samplesFor(ban: string): readonly Sample[] | undefined {
  const file = `sample-${ban
    .replaceAll(/[^a-zA-Z]+/g, '-')
    .toLowerCase()
    .replace(/-$/, '')}.ts`
  const [kind, name = ''] = ban.split(' ')
  if (kind === 'global') return [{ path: `src/engine/${file}`, text: `export const x: unknown = ${name}\n` }]
  if (kind === 'property')
    return [{ path: `src/engine/${file}`, text: `export const x: unknown = ${name}\n` }]
  if (kind === 'import') return importSamples(name.replace('/**', ''))
  const text = samplesByRule[ban]
  return text === undefined ? undefined : [{ path: pathsByRule[ban] ?? `src/engine/${file}`, text }]
}

/** Time never comes from Node; files, sockets and processes only into drivers, which are made of them, and into the simulator. */
const timeModules = ['timers', 'timers/promises', 'perf_hooks', 'sqlite']
const effectModules = [...timeModules, 'fs', 'fs/promises', 'net', 'http', 'child_process', 'worker_threads']
const foldersWithEffects = ['src/drivers', 'src/simulation']

function importSamples(folder: string): readonly Sample[] {
  const forbidden = foldersWithEffects.includes(folder) ? timeModules : effectModules
  const modules = forbidden.map((module) => ({
    path: `${folder}/import-${module.replaceAll(/[^a-z]/g, '-')}.ts`,
    text: `export * as effect from 'node:${module}'\n`,
  }))
  if (!hashingFolders.includes(folder)) return modules
  const chance = ['randomUUID', 'randomBytes', 'randomInt'].map((name) => ({
    path: `${folder}/chance-${name.toLowerCase()}.ts`,
    text: `import { ${name} } from 'node:crypto'\nexport const x: unknown = ${name}\n`,
  }))
  return [...modules, ...chance]
}

export interface Diagnostic {
  readonly path: string
  readonly rule: string
}

/** Lints the samples with the repository's configuration in a folder of their own, and says what was reported where. */
export function lintSamples(root: string, samples: readonly Sample[]): readonly Diagnostic[] {
  const folder = mkdtempSync(join(tmpdir(), 'pointzero-lint-'))
  try {
    copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    copyFileSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'))
    // oxlint looks for its type-aware half there.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    for (const { path, text } of samples) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    return parseDiagnostics(runOxlint(root, folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function runOxlint(root: string, folder: string): string {
  const oxlint = join(root, 'node_modules', '.bin', 'oxlint')
  try {
    return execFileSync(process.execPath, [oxlint, '--type-aware', '--format=json'], {
      cwd: folder,
      encoding: 'utf8',
    })
  } catch (error) {
    // Exit code 1 says that something was reported, which is what the samples are for.
    if (error instanceof Error && 'stdout' in error && error.stdout !== '') return String(error.stdout)
    throw error
  }
}

interface OxlintReport {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
}

function parseDiagnostics(json: string): readonly Diagnostic[] {
  const { diagnostics } = JSON.parse(json) as OxlintReport
  // `eslint(no-restricted-globals)` → `no-restricted-globals`; `typescript-eslint(await-thenable)` → `await-thenable`
  return diagnostics.map(({ code, filename }) => ({
    path: filename,
    rule: code.replace(/^.*\((.*)\)$/, '$1'),
  }))
}

/** The rule that must report a ban's samples. */
export function ruleOf(ban: string): string {
  const [kind = ''] = ban.split(' ')
  const byKind: Readonly<Record<string, string>> = {
    global: 'no-restricted-globals',
    property: 'no-restricted-properties',
    import: 'no-restricted-imports',
  }
  return byKind[kind] ?? kind.replace(/^.*\//, '')
}
