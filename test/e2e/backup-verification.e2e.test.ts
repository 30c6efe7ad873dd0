import assert from 'node:assert/strict'
import { chmodSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { hostPaths, productProgram, vaultPaths } from '../../src/lab/lab-paths.ts'
import type { KeptSnapshot } from '../../src/ports/kept-copies.ts'
import { benchUp, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { atEach } from './support/crash-boundaries.ts'
import { chosenBoundaries, matrixSeed } from './support/chosen-boundaries.ts'
import { ask, clusterOf, leaderOf, outcomeOf, runApproved, settled, showRun } from './support/estate-view.ts'
import type { ShownRun } from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'
import { boundariesOf, castFor, inCast } from './support/journal-boundaries.ts'
import { caughtUp } from './support/recovery-goal.ts'

const procedure = 'backup-verification'
/** Boundaries that run by default; POINTZERO_CRASH_MATRIX=full runs all of them. */
const sample = 4

interface Status {
  readonly readiness: readonly {
    readonly component: string
    readonly colour: string
    readonly reason: string
  }[]
}

describe('what is kept of a ledger is restored to see whether it can be', () => {
  let bench: Bench
  before(async () => {
    bench = await benchUp()
    await settled(bench)
    await runApproved(bench, 'backup')
    const leader = leaderOf(await bench.operator.status())
    await ask(bench, leader, 'create table behind_the_backup as select generate_series(1, 50) as id')
    await caughtUp(bench)
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  async function newest(): Promise<KeptSnapshot> {
    const { hosts } = await bench.operator.status()
    const kept = hosts.find(({ host }) => host === 'vlt')?.view?.copies?.[0]?.snapshots.at(-1)
    assert.ok(kept !== undefined, 'vlt says what it keeps')
    return kept
  }

  /** Directories, sockets and processes of a sandbox, on every host. */
  function leftovers(): readonly string[] {
    const { directory } = bench.lab.state
    const hosts = ['az1', 'az2', 'az3'] as const
    const files = hosts.flatMap((host) =>
      globSync(`${hostPaths(directory, host).directory}/**/{*.restored-*,r??????}`),
    )
    const processes = globSync('/proc/[0-9]*/cmdline').filter((path) => {
      try {
        const command = readFileSync(path, 'utf8')
        return command.includes(directory) && command.includes('.restored-')
      } catch {
        return false // it ended while this looked
      }
    })
    return [...files, ...processes]
  }

  async function standing(): Promise<unknown> {
    const status = await bench.operator.status()
    const { leader, epoch } = clusterOf(status)
    const host = leaderOf(status)
    const text = `select (select json_agg(slot_name order by slot_name) from pg_replication_slots) as slots,
      current_setting('synchronous_standby_names') as rule, (pg_control_checkpoint()).timeline_id as timeline,
      (pg_control_system()).system_identifier::text as system`
    return { leader, epoch, seen: await ask(bench, host, text) }
  }

  it('beside a standby, replayed to the end of the archive; the vault has a signed receipt, and production is what it was', async () => {
    const before = await standing()
    const shown = await runApproved(bench, procedure)
    assert.equal(shown.status, 'completed', JSON.stringify(shown.records.at(-1)))
    const restored = shown.plan.steps.find(({ id }) => id === 'restore')
    assert.notEqual(restored?.on, leaderOf(await bench.operator.status()))
    const check = outcomeOf(shown, 'check')?.proof as { readonly network: unknown; readonly pages: number }
    assert.deepEqual(check.network, { contained: true, interfaces: ['lo'] })
    assert.ok(check.pages > 100)
    const untouched = outcomeOf(shown, 'untouched')?.proof as { readonly notCompared: unknown } | undefined
    assert.deepEqual(untouched?.notCompared, [])
    assert.deepEqual(leftovers(), [])
    assert.deepEqual(await standing(), before)
    const signed = await until('vlt shows the receipt', async () => (await newest()).restorations.at(-1))
    assert.equal(signed.run, shown.run)
    const { stdout } = await bench.pointzero('operator', 'status')
    assert.match(stdout, /RESTORED/)
    const { store, pin } = vaultPaths(bench.lab.state.directory)
    const list = await bench.startProgram([
      ...[productProgram, 'vault', 'list', '--store', store, '--pin', pin, '--json'],
    ]).ended
    assert.match(list.stdout, new RegExp(`"run":"${shown.run}"`), list.stderr)
  })

  it('with a byte of a pack changed: it ends failed and names the object, nothing is left, status is red until it is whole again', async () => {
    const { store } = vaultPaths(bench.lab.state.directory)
    const packs = globSync(join(store, 'e/*/p/*.pack'))
    const whole = packs.map((path) => ({ path, content: readFileSync(path) }))
    for (const { path, content } of whole) {
      const changed = Uint8Array.from(content)
      const middle = Math.floor(content.length / 2)
      changed[middle] = (changed[middle] ?? 0) ^ 1
      overwrite(path, changed)
    }
    const ledger = async () =>
      (await bench.json<Status>('operator', 'status')).readiness.find(
        ({ component }) => component === 'ledger',
      )
    try {
      const receipts = (await newest()).restorations.length
      const { run } = await openApproved(bench, procedure)
      const { code } = await bench.startPointzero('operator', 'resume', run, '--json').ended
      assert.notEqual(code, 0)
      const shown = await showRun(bench, run)
      assert.match(shown.status, /^(rolled-back|refused)$/)
      const error = outcomeOf({ records: failures(shown) }, 'restore')
      assert.match(JSON.stringify(error), /RESTORE_INCOMPLETE.*\.pack: chunk \d+/)
      assert.deepEqual(leftovers(), [])
      assert.equal((await newest()).restorations.length, receipts)
      const seen = await ledger()
      assert.equal(seen?.colour, 'RED')
      assert.match(seen?.reason ?? '', /its last restore test failed: RESTORE_INCOMPLETE.*\.pack/)
    } finally {
      for (const { path, content } of whole) overwrite(path, content)
    }
    assert.equal((await runApproved(bench, procedure)).status, 'completed')
    assert.doesNotMatch((await ledger())?.reason ?? '', /restore test/)
  })

  it('ends the same when its executor dies at a boundary of its journal and another goes on', async (t) => {
    const trace = join(bench.lab.state.directory, 'verification.trace')
    const cast = castFor(leaderOf(await settled(bench)))
    const { run: undisturbed } = await openApproved(bench, procedure)
    const traced = await bench.startProgram(executorArguments(bench, undisturbed, ['--trace', trace])).ended
    assert.equal(traced.code, 0, traced.stdout)
    const all = boundariesOf(trace, cast)
    assert.ok(all.length > 20, all.join(', '))
    const chosen = chosenBoundaries(all, sample)
    t.diagnostic(`${chosen.length} of ${all.length} boundaries, seed ${matrixSeed}`)
    await atEach(t, chosen, {
      title: (boundary) => `it dies ${boundary}`,
      dies: async (boundary) => {
        const before = await standing()
        const { run } = await openApproved(bench, procedure)
        const at = inCast(boundary, castFor(leaderOf(await bench.operator.status())))
        const killed = await bench.startProgram(executorArguments(bench, run, ['--at', at])).ended
        assert.equal(killed.code, 137, killed.stdout)
        const resumed = await bench.startPointzero('operator', 'resume', run, '--json').ended
        const isOver = boundary === 'after finished'
        assert.equal(resumed.code, isOver ? 3 : 0, resumed.stdout.slice(-2000))
        assert.equal((await showRun(bench, run)).status, 'completed')
        assert.deepEqual(leftovers(), [])
        assert.deepEqual(await standing(), before)
        const own = await until('its receipt is known', async () => {
          const found = (await newest()).restorations.filter((one) => one.run === run)
          return found.length > 0 ? found : undefined
        })
        assert.equal(own.length, 1)
      },
    })
  })
})

/** Sealed objects are read-only files. */
function overwrite(path: string, content: Uint8Array): void {
  chmodSync(path, 0o600)
  writeFileSync(path, content)
  chmodSync(path, 0o400)
}

function failures({ records }: ShownRun): ShownRun['records'] {
  return records.filter(({ event }) => event.type === 'outcome' && event.result === 'failed')
}
