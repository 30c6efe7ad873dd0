// What `npm test` runs, in this order. A suite is a program to run; for suites of tests, also where its files are.

export type SuiteName = (typeof suiteNames)[number]

export const suiteNames = [
  'types',
  'lint',
  'format',
  'knip',
  'tidy',
  'unit',
  'simulation',
  'smoke',
  'integration',
  'e2e',
] as const

/** A check counts as one: it passed or it failed. */
interface Check {
  readonly kind: 'check'
  readonly name: SuiteName
  /** A script of node_modules/.bin and its arguments. */
  readonly command: readonly string[]
}

/** Tests are counted one by one, from what node:test reports. */
export interface Tests {
  readonly kind: 'tests'
  readonly name: SuiteName
  readonly files: string
  /** Given to node beside `--test`. */
  readonly flags: readonly string[]
  /** Side by side, each with its share of the files, as far as there are processors; one when it is left out. */
  readonly processes?: number
  /** Real servers, network namespaces: what the minimal profile leaves out, and why. */
  readonly needsSystem?: string
}

export type Suite = Check | Tests

const minuteMs = 60_000

export function suites(root: string, seed: number): readonly Suite[] {
  const oneProcess = ['--test-isolation=none', '--test-randomize', `--test-random-seed=${seed}`]
  // A file whose tests are over ends, whatever a failed one left behind: a server or a timer would hold up everything after it.
  const processPerFile = ['--test-isolation=process', '--test-concurrency=1', '--test-force-exit']
  // No network, no writes, no child processes: an effect that does not come from the simulated World throws.
  const noEffects = ['--permission', `--allow-fs-read=${root}`, '--allow-worker']
  return [
    { kind: 'check', name: 'types', command: ['tsc'] },
    { kind: 'check', name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
    { kind: 'check', name: 'format', command: ['oxfmt', '--check'] },
    { kind: 'check', name: 'knip', command: ['knip'] },
    { kind: 'tests', name: 'tidy', files: 'test/tidy.test.ts', flags: ['--test-isolation=none'] },
    { kind: 'tests', name: 'unit', files: '{src,tools}/**/*.test.ts', flags: [...oneProcess, timeout(2)] },
    {
      kind: 'tests',
      name: 'simulation',
      files: 'test/simulation/**/*.sim.test.ts',
      flags: [...noEffects, '--test-isolation=none', timeout(20)],
      processes: 2,
    },
    {
      kind: 'tests',
      name: 'smoke',
      files: 'test/smoke/**/*.smoke.test.ts',
      flags: [...processPerFile, timeout(2)],
    },
    {
      kind: 'tests',
      name: 'integration',
      files: 'test/integration/**/*.int.test.ts',
      flags: [...processPerFile, timeout(10)],
      needsSystem: 'needs PostgreSQL 15 with pg_rewind and HAProxy from the system packages',
    },
    {
      kind: 'tests',
      name: 'e2e',
      files: 'test/e2e/**/*.e2e.test.ts',
      flags: [...processPerFile, timeout(20)],
      needsSystem: 'needs root, network namespaces, iptables, PostgreSQL 15 and HAProxy',
    },
  ]
}

/** node:test applies it to a test, and to the whole file where each file has its process. */
function timeout(minutes: number): string {
  return `--test-timeout=${minutes * minuteMs}`
}
