import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { inject } from '../../src/lab/faults/fault.ts'
import type { FaultName } from '../../src/lab/faults/fault.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import { hostPaths } from '../../src/lab/lab-paths.ts'
import { logFileOf } from '../../src/lab/lab-process.ts'
import { benchUp, patientPolicy, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { judge, startClients } from './support/clients.ts'
import type { Clients } from './support/clients.ts'
import { ask, leaderOf, othersThan, runApproved, runsOf, settled, showRun } from './support/estate-view.ts'
import { putForeignDirectory } from './support/foreign-directory.ts'
import { executorArguments, openApproved, untilFrozen } from './support/interrupted-run.ts'

describe('reprotection of a member that came back', () => {
  let bench: Bench
  let clients: Clients
  before(async () => {
    bench = await benchUp(patientPolicy)
    clients = await startClients(bench, 'reprotect')
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  async function strike(fault: FaultName, host: ZoneHostName): Promise<() => Promise<void>> {
    const { network, state } = bench.lab
    const { end } = await inject(fault, { network, directory: state.directory, host })
    return end ?? (async () => {})
  }

  async function leadsElsewhere(old: ZoneHostName): Promise<void> {
    await until('another member leads', async () => leaderOf(await bench.operator.status()) !== old)
    await clients.acknowledged(10)
  }

  /** How the member was brought back each time, says its agent. */
  function methods(host: ZoneHostName): readonly string[] {
    const lines = readFileSync(logFileOf(bench.lab.state, `${host}-agent`), 'utf8')
      .trim()
      .split('\n')
    const entries = lines.map(
      (line) => JSON.parse(line) as { readonly event?: string; readonly method?: string },
    )
    return entries.flatMap(({ event, method }) => (event === 'member-rejoined' ? [method ?? ''] : []))
  }

  function besides(host: ZoneHostName, what: 'kept' | 'diverged'): readonly string[] {
    return globSync(`${hostPaths(bench.lab.state.directory, host).data}.${what}-*`)
  }

  async function settledAfterwards(): Promise<void> {
    await settled(bench)
    await clients.acknowledged(10)
  }

  it('rewinds an old primary that had written what nobody acknowledged, and keeps that', async () => {
    const old = leaderOf(await settled(bench))
    const before = methods(old).length
    await clients.acknowledged(10)
    const heal = await strike('cut-link', old)
    await leadsElsewhere(old)
    await heal()
    await settledAfterwards()
    assert.deepEqual(methods(old).slice(before), ['rewind'])
    assert.equal(besides(old, 'diverged').length, 1)
    assert.deepEqual(besides(old, 'kept'), [])
  })

  it('clones an old primary whose WAL is gone beside its directory, which it keeps', async () => {
    const old = leaderOf(await settled(bench))
    const before = methods(old).length
    const heal = await strike('cut-link', old)
    await leadsElsewhere(old)
    await until('the isolated primary has stopped itself', async () => {
      return (
        !readdirSync(hostPaths(bench.lab.state.directory, old).data).includes('postmaster.pid') ||
        (await isStopped(old))
      )
    })
    const wal = join(hostPaths(bench.lab.state.directory, old).data, 'pg_wal')
    for (const name of readdirSync(wal)) if (/^[0-9A-F]{24}$/.test(name)) rmSync(join(wal, name))
    await heal()
    await settledAfterwards()
    assert.deepEqual(methods(old).slice(before), ['clone'])
    const [left = 'none', ...others] = besides(old, 'kept')
    assert.deepEqual(others, [])
    await until('status lists it', async () => {
      const { stdout } = await bench.pointzero('operator', 'status')
      return stdout.includes(`left on ${old} by a rejoin: ${left}, `)
    })
  })

  it('clones a standby that was away for longer than the primary keeps WAL', async () => {
    const leader = leaderOf(await settled(bench))
    const [away] = othersThan(leader)
    const before = methods(away).length
    await strike('kill-zone', away)
    await ask(bench, leader, 'alter system set wal_keep_size = 0')
    await ask(bench, leader, 'select pg_reload_conf()')
    for (let round = 0; round < 3; round++) {
      await clients.acknowledged(3)
      await ask(bench, leader, 'select pg_switch_wal()')
      await ask(bench, leader, 'checkpoint')
    }
    await ask(bench, leader, 'alter system reset wal_keep_size')
    await ask(bench, leader, 'select pg_reload_conf()')
    await bench.lab.restart(away)
    // It asks for what is gone again and again, and looks as if it received each time, for a moment.
    await until('it was cloned', async () => methods(away).length > before)
    await settledAfterwards()
    assert.equal(leaderOf(await settled(bench)), leader)
    assert.deepEqual(methods(away).slice(before), ['clone'])
  })

  it('asked for by hand for a member in its place, sees that nothing is to be done', async () => {
    const leader = leaderOf(await settled(bench))
    const [member] = othersThan(leader)
    const before = methods(member).length
    const shown = await runApproved(bench, 'reprotect', '--param', `member=ledger-${member}`)
    assert.equal(shown.status, 'completed')
    assert.equal(methods(member).length, before)
  })

  it("touches nothing of somebody else's database, neither when planned nor in the middle of a run", async () => {
    const leader = leaderOf(await settled(bench))
    const [host] = othersThan(leader)
    const { run } = await openApproved(bench, 'reprotect', '--param', `member=ledger-${host}`)
    const program = bench.startProgram(
      executorArguments(bench, run, ['--at', 'after:took-over', '--how', 'freeze']),
    )
    await untilFrozen(program)
    // Approved for the member as it was; now another database lies there.
    await strike('kill-zone', host)
    const foreign = await putForeignDirectory(bench, host)
    const digest = foreign.digest()
    await bench.lab.restart(host)
    program.signal('SIGCONT')
    const { code, stdout } = await program.ended
    assert.notEqual(code, 0, stdout)
    const shown = await showRun(bench, run)
    assert.match(shown.status, /^(refused|failed|rolled-back)$/)
    assert.match(JSON.stringify(shown.records), /PG_IDENTITY|SYSTEM_IDENTIFIER_MISMATCH/)
    const planned = await bench.pointzero(
      'operator',
      'plan',
      'reprotect',
      '--param',
      `member=ledger-${host}`,
      '--json',
    )
    assert.equal(planned.code, 3)
    assert.match(planned.stdout, /"SYSTEM_IDENTIFIER_MISMATCH"/)
    assert.equal(foreign.digest(), digest)
    assert.deepEqual(
      (await runsOf(bench)).filter(({ status }) => status === 'open'),
      [],
    )
    await strike('kill-zone', host)
    foreign.remove()
    await bench.lab.restart(host)
    await settledAfterwards()
  })

  it('has cost no client an acknowledged write', async () => {
    const primary = leaderOf(await settled(bench))
    await clients.stop()
    const judged = await judge(bench, { clients: [clients], primary })
    assert.equal(judged.verdict, 'passed', JSON.stringify(judged.findings))
    assert.equal(judged.figures.lostWrites, 0)
    assert.deepEqual(judged.figures.dualConfirms, [])
  })

  async function isStopped(host: ZoneHostName): Promise<boolean> {
    const pids = await bench.lab.network.pids(host)
    return !pids.some((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres'))
  }
})
