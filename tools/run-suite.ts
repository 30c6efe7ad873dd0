import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Suite, Tests } from './suites.ts'
import { FailureLines } from './failure-lines.ts'
import { readTestCounts } from './test-counts.ts'
import type { TestCounts } from './test-counts.ts'

/** A suite that takes longer than this is ended with all that it started, and has failed. */
const suiteDeadlineMs = 30 * 60_000
/** So long it has to end its servers and to say what failed. */
const graceMs = 60_000

export interface SuiteResult extends TestCounts {
  readonly reason?: string
  /** What the reporter says of each test that failed. */
  readonly failures?: readonly string[]
}

export async function runSuite(root: string, suite: Suite): Promise<SuiteResult> {
  if (suite.kind === 'check') {
    const [script = '', ...args] = suite.command
    const ended = await runNode(root, [join(root, 'node_modules', '.bin', script), ...args])
    return ended.ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, reason: ended.how }
  }
  return await runTests(root, suite)
}

async function runTests(root: string, suite: Tests): Promise<SuiteResult> {
  const files = globSync(suite.files, { cwd: root }).toSorted()
  if (files.length === 0) return { passed: 0, failed: 1, reason: `no file matches ${suite.files}` }
  const shares = dealt(files, Math.min(suite.processes ?? 1, availableParallelism()))
  const results = await Promise.all(
    shares.map(async (share, index) => await runShare(root, suite.flags, share, index === 0)),
  )
  const reasons = results.flatMap(({ reason }) => reason ?? [])
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    ...(reasons.length === 0 ? {} : { reason: reasons.join('; ') }),
    failures: results.flatMap(({ failures = [] }) => failures),
  }
}

/** Each its turn, so that neighbours in the list are apart. */
export function dealt(files: readonly string[], hands: number): readonly (readonly string[])[] {
  return Array.from({ length: Math.min(hands, files.length) }, (_, hand) =>
    files.filter((_file, index) => index % hands === hand),
  )
}

async function runShare(
  root: string,
  flags: readonly string[],
  files: readonly string[],
  atOnce: boolean,
): Promise<SuiteResult> {
  const ended = await runNode(root, ['--test', '--test-reporter=spec', ...flags, ...files], atOnce)
  const counts = readTestCounts(ended.reportLines)
  if (counts === undefined) return { passed: 0, failed: 1, reason: `the test runner died: ${ended.how}` }
  if (counts.passed + counts.failed === 0) return { passed: 0, failed: 1, reason: 'no test was executed' }
  // A file without tests is reported as one test that passed, with the file's name.
  const empty = files.filter((file) => ended.reportLines.some((line) => line.startsWith(`✔ ${file} (`)))
  if (empty.length > 0) {
    const { passed, failed } = counts
    return {
      passed: passed - empty.length,
      failed: failed + empty.length,
      reason: `no test in ${empty.join(', ')}`,
    }
  }
  if (ended.ok || counts.failed > 0) return { ...counts, failures: ended.failures }
  return {
    passed: counts.passed,
    failed: 1,
    reason: `every test passed, but the runner ended with ${ended.how}`,
  }
}

interface Ended {
  readonly ok: boolean
  readonly how: string
  /** The lines that node:test's reporter begins at the margin; all else was shown and is gone. */
  readonly reportLines: readonly string[]
  readonly failures: readonly string[]
}

/** Runs this Node in a process group of its own and shows its output: as it comes, or in one piece when it ended. */
async function runNode(root: string, args: readonly string[], atOnce = true): Promise<Ended> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...env, PATH: `${join(root, 'node_modules', '.bin')}:${env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const kept: Buffer[] = []
  if (atOnce) child.stdout.pipe(process.stdout, { end: false })
  else child.stdout.on('data', (chunk: Buffer) => kept.push(chunk))
  const reportLines: string[] = []
  const failures = new FailureLines()
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/^[ℹ✔] /.test(line)) reportLines.push(line)
    failures.push(line)
  })
  const signalGroup = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal)
  }
  const stop = (signal: NodeJS.Signals): void => {
    signalGroup(signal)
    process.exitCode = 1
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const deadlines = [
    setTimeout(() => signalGroup('SIGTERM'), suiteDeadlineMs),
    setTimeout(() => signalGroup('SIGKILL'), suiteDeadlineMs + graceMs),
  ]
  const how = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  for (const deadline of deadlines) clearTimeout(deadline)
  process.stdout.write(Buffer.concat(kept))
  process.off('SIGINT', stop).off('SIGTERM', stop)
  return { ok: how === 'exit code 0', how, reportLines, failures: failures.lines }
}
