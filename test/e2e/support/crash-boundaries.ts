import assert from 'node:assert/strict'
import { globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { zoneHostNames } from '../../../src/lab/lab-host.ts'
import { hostPaths } from '../../../src/lab/lab-paths.ts'
import type { Bench } from './bench.ts'
import { chosenBoundaries, isFull } from './chosen-boundaries.ts'
import { runApproved, showRun } from './estate-view.ts'
import { executorArguments } from './interrupted-run.ts'
import { boundariesOf, inCast } from './journal-boundaries.ts'
import type { Cast } from './journal-boundaries.ts'

/** A run that is open and approved, and that nobody executes yet. */
export interface OpenedRun {
  readonly run: string
  readonly cast: Cast
  /** What must be so when it has ended, whoever ended it. */
  readonly isWhole: () => Promise<void>
}

/**
 * At each boundary an executor is killed and `pointzero resume` ends the run. All boundaries that a run undisturbed passes when everything
 * is asked for (POINTZERO_CRASH_MATRIX=full), else the ones that are named.
 */
export async function dieAtBoundaries(
  t: TestContext,
  bench: Bench,
  named: readonly string[],
  openRun: (table: string) => Promise<OpenedRun>,
): Promise<void> {
  const chosen = isFull ? await traced(bench, await openRun('traced')) : named
  t.diagnostic(`${chosen.length} boundaries`)
  await atEach(t, chosen, {
    title: (boundary) => `dies ${boundary}`,
    dies: async (boundary) => {
      if (isFull) await tidyUp(bench)
      const { run, cast, isWhole } = await openRun(`t_${boundary.replaceAll(/\W/g, '_')}`)
      const at = inCast(boundary, cast)
      const killed = await bench.startProgram(executorArguments(bench, run, ['--at', at])).ended
      assert.equal(killed.code, 137, killed.stdout)
      const resumed = await bench.startPointzero('operator', 'resume', run, '--json').ended
      const isOver = boundary === 'after finished'
      assert.equal(resumed.code, isOver ? 3 : 0, resumed.stdout.slice(-2000))
      assert.equal((await showRun(bench, run)).status, 'completed')
      await isWhole()
    },
  })
}

/** Each case leaves timelines, WAL and directories behind it: from the first backup the last one would take minutes, and 50 GB. */
async function tidyUp(bench: Bench): Promise<void> {
  for (const host of zoneHostNames)
    for (const kept of globSync(`${hostPaths(bench.lab.state.directory, host).directory}/**/*.kept-*`))
      rmSync(kept, { recursive: true })
  assert.equal((await runApproved(bench, 'backup')).status, 'completed')
}

/** One after the other on one estate. When a case fails the estate is no longer what the next one begins with, and no other is tried. */
export async function atEach(
  t: TestContext,
  boundaries: readonly string[],
  {
    title,
    dies,
  }: { readonly title: (boundary: string) => string; readonly dies: (boundary: string) => Promise<void> },
): Promise<void> {
  for (const [index, boundary] of boundaries.entries()) {
    let isWhole = false
    await t.test(title(boundary), async () => {
      await dies(boundary)
      isWhole = true
    })
    const left = boundaries.length - index - 1
    assert.ok(
      isWhole,
      `it failed when its executor died ${boundary}; ${left} other boundaries were not tried`,
    )
  }
}

async function traced(bench: Bench, { run, cast, isWhole }: OpenedRun): Promise<readonly string[]> {
  const trace = join(bench.lab.state.directory, `${run}.trace`)
  const ended = await bench.startProgram(executorArguments(bench, run, ['--trace', trace])).ended
  assert.equal(ended.code, 0, ended.stdout.slice(-2000))
  await isWhole()
  return chosenBoundaries(boundariesOf(trace, cast), 0)
}
