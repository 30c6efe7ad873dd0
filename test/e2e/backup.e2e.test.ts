import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { inject } from '../../src/lab/faults/fault.ts'
import { vaultPaths } from '../../src/lab/lab-paths.ts'
import type { CaptureView, CopiesView } from '../../src/ports/kept-copies.ts'
import { benchUp, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { ask, leaderOf, runApproved, settled } from './support/estate-view.ts'

interface Points {
  readonly ranges: readonly { readonly timeline: number; readonly backup: string }[]
  readonly covered: readonly { readonly timeline: number }[]
  readonly gaps: readonly unknown[]
}

interface Resolved {
  readonly lsn: string
  readonly undoneCommits: number
}

interface Status {
  readonly readiness: readonly {
    readonly component: string
    readonly colour: string
    readonly reason: string
  }[]
}

describe('what is kept of a ledger outside of its zones', () => {
  let bench: Bench
  before(async () => (bench = await benchUp()))
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  async function copies(): Promise<CopiesView> {
    const { hosts } = await bench.operator.status()
    const [view] = hosts.find(({ host }) => host === 'vlt')?.view?.copies ?? []
    assert.ok(view !== undefined, 'vlt says what it keeps')
    return view
  }

  /** Streams from the server that leads now. */
  async function streaming(): Promise<CaptureView> {
    return await until('the archive receives from the leader', async () => {
      const { capture } = await copies()
      const leader = leaderOf(await bench.operator.status())
      const isThere = capture?.source?.startsWith(`${bench.lab.network.addressOf(leader)}:`)
      return isThere === true && capture?.protection.kind === 'streaming' ? capture : undefined
    })
  }

  async function onPrimary(sql: string): Promise<string> {
    const [row] = await ask(bench, leaderOf(await bench.operator.status()), sql)
    return String(Object.values(row ?? {})[0])
  }

  it('is backed up on its own host, and then there are points to recover to', async () => {
    const run = await runApproved(bench, 'backup')
    assert.equal(run.status, 'completed')
    const snapshot = await until('the snapshot is known', async () => (await copies()).snapshots.at(-1)?.id)
    await until('a range begins at it', async () => {
      const { ranges, gaps } = await bench.json<Points>('operator', 'points')
      return ranges[0]?.backup === snapshot && gaps.length === 0
    })
  })

  it('turns a transaction into the one place just before it, and plans for that place', async () => {
    const xid = await onPrimary('select pg_current_xact_id()::text')
    const resolved = await until('the archive has it', async () =>
      bench.json<Resolved>('operator', 'points', '--xid', xid),
    )
    const order = ['plan', 'point-in-time-recovery', '--param', `target=xid:${xid}`]
    const { plan } = await bench.json<{ readonly plan: { readonly parameters: Record<string, string> } }>(
      'operator',
      ...order,
    )
    assert.equal(plan.parameters['lsn'], resolved.lsn)
    assert.equal(plan.parameters['inclusive'], 'no')
    assert.equal(plan.parameters['target'], `xid:${xid}`)
  })

  it('follows the new primary after a failover, and keeps both histories', async () => {
    const before = await streaming()
    const leader = leaderOf(await bench.operator.status())
    await inject('kill-zone', {
      network: bench.lab.network,
      directory: bench.lab.state.directory,
      host: leader,
    })
    await until('another leads', async () => leaderOf(await bench.operator.status()) !== leader)
    const capture = await streaming()
    assert.ok((capture.timeline ?? 0) > (before.timeline ?? 0), 'the timeline of the new primary')
    await bench.lab.restart(leader)
    await settled(bench)
    const { gaps, covered } = await bench.json<Points>('operator', 'points')
    assert.deepEqual(gaps, [])
    assert.ok(covered.some(({ timeline }) => timeline === before.timeline))
    assert.ok(covered.some(({ timeline }) => timeline === capture.timeline))
    assert.deepEqual((await copies()).broken, [])
  })

  it('is red before any disaster when a segment of the archive is deleted by hand, and refuses the newest state', async () => {
    const wal = join(vaultPaths(bench.lab.state.directory).archive, 'wal')
    const whole = (): readonly string[] => readdirSync(wal).filter((name) => /^[0-9A-F]{24}$/.test(name))
    const known = whole()
    for (let segment = 0; segment < 3; segment += 1)
      await onPrimary(
        "select pg_logical_emit_message(false, 'pointzero test', repeat('x', 1000)), pg_switch_wal()",
      )
    const [deleted] = await until('two whole segments more', async () => {
      const fresh = whole().filter((name) => !known.includes(name))
      return fresh.length >= 2 ? fresh : undefined
    })
    assert.ok(deleted !== undefined)
    rmSync(join(wal, deleted))
    await until('status is red and names it', async () => {
      const { readiness } = await bench.json<Status>('operator', 'status')
      const ledger = readiness.find(({ component }) => component === 'ledger')
      return ledger?.colour === 'RED' && ledger.reason.includes(`archive gap on vlt: ${deleted}`)
    })
    const refused = await bench.pointzero('operator', 'points', '--end', '--json')
    assert.match(refused.stdout, /TARGET_UNREACHABLE/)
    assert.equal(refused.code, 3)
  })
})
