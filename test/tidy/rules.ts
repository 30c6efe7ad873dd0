import { arrowProblems, sqliteProblems } from './arrows.ts'
import {
  defaultExportProblems,
  emptyCatchProblems,
  emptyNameProblems,
  fileLengthProblems,
  fileNameProblems,
  functionLengthProblems,
  importExtensionProblems,
  leftOutTestProblems,
} from './form.ts'
import type { Problem, SourceFile } from './source-file.ts'
import { wordProblems } from './words.ts'

interface Rule {
  readonly promise: string
  readonly problems: (file: SourceFile) => readonly Problem[]
  /** [path, text]: each must be reported exactly once. */
  readonly bad: readonly (readonly [string, string])[]
  /** [path, text]: none may be reported. */
  readonly good: readonly (readonly [string, string])[]
}

const lines = (count: number): string => 'void 0\n'.repeat(count)

export const rules: readonly Rule[] = [
  {
    promise: 'a folder of src imports only what the arrow table allows',
    problems: arrowProblems,
    bad: [
      ['src/domain/a.ts', "import { b } from '../ports/b.ts'"],
      ['src/engine/a.ts', "import type { B } from '../procedures/b.ts'"],
      ['src/procedures/a.ts', "export { b } from '../drivers/postgres/b.ts'"],
      ['src/procedures/a.ts', "export * from '../server/b.ts'"],
      ['src/watch/a.ts', "const b = import('../platform/b.ts')"],
      ['src/watch/a.ts', "type B = import('../cli/b.ts').B"],
      ['src/watch/a.ts', 'const b = (name: string) => import(name)'],
      ['src/server/a.ts', "import { b } from '../platform/b.ts'"],
      ['src/drivers/postgres/a.ts', "import { b } from '../redis/b.ts'"],
      ['src/drivers/postgres/a.ts', "import { b } from '../index.ts'"],
      ['src/ports/a.test.ts', "import { b } from '../engine/b.ts'"],
      ['src/engine/a.ts', "import { b } from '../../test/b.ts'"],
      ['src/actions/a.ts', "import { b } from '../agent/b.ts'"],
      ['src/newcomer/a.ts', ''],
      ['src/a.ts', ''],
    ],
    good: [
      ['src/domain/a.ts', "import { b } from './b.ts'"],
      ['src/engine/a.ts', "import type { B } from '../ports/b.ts'\nimport { z } from 'zod'"],
      ['src/drivers/postgres/a.ts', "import { b } from './deep/b.ts'\nimport { c } from '../../ports/c.ts'"],
      ['src/drivers/postgres/deep/a.ts', "import { b } from '../b.ts'"],
      ['src/actions/a.ts', "import type { B } from '../agent/wire.ts'"],
      ['src/vault/a.test.ts', "import { b } from '../simulation/b.ts'"],
      ['src/vault/a.test.ts', "import { b } from '../../test/support/b.ts'"],
      ['src/cli/a.ts', "import { b } from '../platform/b.ts'\nconst c = (name: string) => import(name)"],
      ['test/a.test.ts', "import { b } from '../src/platform/b.ts'"],
    ],
  },
  {
    promise: 'only src/platform opens SQLite',
    problems: sqliteProblems,
    bad: [['src/cli/a.ts', "import { DatabaseSync } from 'node:sqlite'"]],
    good: [['src/platform/a.ts', "import { DatabaseSync } from 'node:sqlite'"]],
  },
  {
    promise: 'no function is longer than 70 lines',
    problems: functionLengthProblems,
    bad: [
      ['src/engine/a.ts', `function a() {\n${lines(69)}}`],
      ['tools/a.ts', `const a = () => {\n${lines(69)}}`],
      ['src/engine/a.ts', `class A {\n  a() {\n${lines(69)}}\n}`],
    ],
    good: [
      ['src/engine/a.ts', `function a() {\n${lines(68)}}`],
      ['src/engine/a.test.ts', `function a() {\n${lines(100)}}`],
    ],
  },
  {
    promise: 'no file of src is longer than 500 lines',
    problems: fileLengthProblems,
    bad: [['src/engine/a.test.ts', lines(501)]],
    good: [['src/engine/a.ts', lines(500)]],
  },
  {
    promise: 'file and folder names are kebab-case',
    problems: fileNameProblems,
    bad: [
      ['src/engine/runJournal.ts', ''],
      ['src/engine/run_journal.test.ts', ''],
      ['test/Simulation/a.sim.test.ts', ''],
    ],
    good: [
      ['src/engine/run-journal.ts', ''],
      ['test/e2e/zone-failover.e2e.test.ts', ''],
      ['src/drivers/dns-rfc2136/zone.ts', ''],
    ],
  },
  {
    promise: 'every file name says what is in the file',
    problems: emptyNameProblems,
    bad: ['utils', 'helpers', 'common', 'manager', 'service'].flatMap((stem) => [
      [`src/engine/${stem}.ts`, ''] as const,
      [`src/${stem}/lease.ts`, ''] as const,
      [`src/engine/${stem}.test.ts`, ''] as const,
    ]),
    good: [['src/engine/lease.ts', '']],
  },
  {
    promise: 'no error is swallowed without a reason',
    problems: emptyCatchProblems,
    bad: [
      ['src/engine/a.ts', 'try { a() } catch {}'],
      ['test/a.test.ts', 'try { a() } catch (error) {\n}'],
    ],
    good: [
      ['src/engine/a.ts', 'try { a() } catch (error) { throw classify(error) }'],
      ['src/engine/a.ts', 'try { a() } catch {\n  // It was gone already, which is what we want.\n}'],
    ],
  },
  {
    promise: 'exports have names',
    problems: defaultExportProblems,
    bad: [
      ['src/engine/a.ts', 'export default function a() {}'],
      ['src/engine/a.ts', 'const a = 1\nexport { a as default }'],
    ],
    good: [
      ['src/engine/a.ts', 'export const a = 1'],
      ['tools/a.config.ts', 'export default {}'],
    ],
  },
  {
    promise: 'relative imports end in .ts',
    problems: importExtensionProblems,
    bad: [
      ['src/engine/a.ts', "import { b } from './b'"],
      ['src/engine/a.ts', "import { b } from './b.js'"],
      ['test/a.test.ts', "import type { B } from '../src/b'"],
    ],
    good: [['src/engine/a.ts', "import { b } from './b.ts'\nimport { c } from 'zod/v4'"]],
  },
  {
    promise: 'no test is left out',
    problems: leftOutTestProblems,
    bad: [
      ['src/engine/a.test.ts', "test.skip('a', () => {})"],
      ['src/engine/a.test.ts', "describe.only('a', () => {})"],
      ['test/e2e/a.e2e.test.ts', "it.todo('a')"],
      ['test/e2e/a.e2e.test.ts', "test('a', (t) => t.skip('no server'))"],
      ['test/e2e/a.e2e.test.ts', "test('a', { skip: true }, () => {})"],
    ],
    good: [
      ['src/engine/a.test.ts', "test('a', { timeout: 1 }, () => {})"],
      ['src/engine/a.ts', 'reader.skip(4)'],
    ],
  },
  {
    promise: 'identifiers use the words of GLOSSARY.md',
    problems: wordProblems,
    bad: [
      ['src/engine/a.ts', 'const masterHost = 1'],
      ['src/engine/a.ts', 'let readReplicas: number'],
      ['src/engine/a.ts', 'interface SlaveStatus {}'],
      ['src/engine/a.ts', 'const x = { replica: 1 }'],
      ['src/drivers/redis/a.ts', 'const replicaHost = 1'],
    ],
    good: [
      ['src/engine/a.ts', 'class A { constructor() { const replication = 1, mastered = 2 } }'],
      ['src/drivers/kubernetes/a.ts', 'const count = scale.spec.replicas\nconst patch = { replicas: 0 }'],
    ],
  },
]
