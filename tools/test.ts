// `npm test`: runs every suite, one after the other, and closes with one line that counts all of them.
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runSuite } from './run-suite.ts'
import { suites } from './suites.ts'
import type { Suite } from './suites.ts'
import { ensureSystemPackages } from './system-packages.ts'
import { parseTestOptions, usage } from './test-options.ts'
import type { TestOptions } from './test-options.ts'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

async function main(): Promise<void> {
  const options = readOptions()
  const all = suites(root, options.seed)
  const chosen = all.filter((suite) => isChosen(suite, options))
  const leftOut = all.filter((suite) => !chosen.includes(suite))
  if (chosen.length === 0) endWith(2, `this profile leaves out every suite of --only\n${usage}`)
  if (chosen.some((suite) => suite.kind === 'tests' && suite.needsSystem !== undefined)) {
    const problem = ensureSystemPackages()
    if (problem !== undefined) endWith(1, problem)
  }
  print(`seed ${options.seed}, node ${process.version}, ${availableParallelism()} cores`)
  let passed = 0
  let failed = 0
  const lines: string[] = []
  const failures: string[] = []
  for (const suite of chosen) {
    print(`\n── ${suite.name}`)
    const startedMs = performance.now()
    const result = await runSuite(root, suite)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    passed += result.passed
    failed += result.failed
    const reason = result.reason === undefined ? '' : `: ${result.reason}`
    lines.push(
      `${suite.name.padEnd(12)}${seconds.padStart(7)} s  ${result.passed} ok, ${result.failed} not ok${reason}`,
    )
    print(lines.at(-1) ?? '')
    const { failures: said = [] } = result
    if (said.length > 0) failures.push(`\n── failed in ${suite.name}`, ...said)
    if (process.exitCode !== undefined) break
  }
  for (const line of failures) print(line)
  print(`\n${lines.join('\n')}`)
  for (const suite of leftOut) print(`${suite.name.padEnd(12)} NOT RUN: ${whyNotRun(suite, options)}`)
  print(`${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}

function isChosen(suite: Suite, { profile, only }: TestOptions): boolean {
  if (only !== undefined && !only.has(suite.name)) return false
  return profile === 'full' || suite.kind === 'check' || suite.needsSystem === undefined
}

function whyNotRun(suite: Suite, { only }: TestOptions): string {
  if (only !== undefined && !only.has(suite.name)) return 'not in --only'
  return suite.kind === 'tests' && suite.needsSystem !== undefined ? suite.needsSystem : 'not in this profile'
}

function readOptions(): TestOptions {
  try {
    return parseTestOptions(process.argv.slice(2), Date.now() % 1_000_000)
  } catch (error) {
    return endWith(2, `${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
}

function endWith(exitCode: number, sentence: string): never {
  process.stderr.write(`${sentence}\n`)
  process.exit(exitCode)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

await main()
