import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { FaultName } from '../../src/lab/faults/fault.ts'
import { inject } from '../../src/lab/faults/fault.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import { hostPaths } from '../../src/lab/lab-paths.ts'
import type { ControlPlaneStatus } from '../../src/server/status-wire.ts'
import { benchUp, patientPolicy, capture, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { faultBeganMs, isAcked, judge, rowsOf, startClients } from './support/clients.ts'
import type { Clients } from './support/clients.ts'
import {
  ask,
  clusterOf,
  leaderOf,
  othersThan,
  outcomeOf,
  runsOf,
  settled,
  showRun,
  takeOversOf,
} from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'
import { promotions } from './support/server-logs.ts'
import type { ShownRun } from './support/estate-view.ts'

/** Of patientPolicy: an isolated primary ends its service this long after it was last heard by anybody. */
const fenceMs = 2_000

interface Faulted {
  readonly clients: Clients
  readonly old: ZoneHostName
  readonly before: ControlPlaneStatus
  readonly end: () => Promise<void>
}

interface Struck extends Faulted {
  /** What `pointzero status` printed before. */
  readonly staleReadBoundMs: number
}

describe('a zone failover, which nobody asks for', () => {
  let bench: Bench
  const everybody: Clients[] = []
  before(async () => (bench = await benchUp(patientPolicy)))
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  /** Clients write, then the zone of the primary is struck; nothing of the product is told. */
  async function strike(fault: FaultName, name: string = fault): Promise<Struck> {
    const before = await settled(bench)
    const old = leaderOf(before)
    const clients = await startClients(bench, name)
    everybody.push(clients)
    await clients.acknowledged(10)
    const staleReadBoundMs = await printedBound(bench)
    const struck = await clients.strike(fault, old)
    return { clients, old, before, end: struck.end ?? (async () => {}), staleReadBoundMs }
  }

  /** Another member leads and clients write there, by one automatic run. */
  async function failedOver({ clients, old, before }: Faulted): Promise<ShownRun> {
    const { epoch } = clusterOf(before)
    await until('another member leads', async () => {
      const status = await bench.operator.status()
      return clusterOf(status).epoch > epoch && leaderOf(status) !== old && clusterOf(status).openRun === ''
    })
    await clients.acknowledged(10)
    const runs = (await runsOf(bench)).filter(({ procedure }) => procedure === 'zone-failover')
    const shown = await showRun(bench, runs.at(-1)?.run ?? '')
    assert.match(shown.status, /^completed(-with-gaps)?$/, JSON.stringify(shown.records.at(-1)))
    return shown
  }

  /** The old zone is back, everybody is in place, and the checker is asked what it has cost. */
  async function proven(t: TestContext, faulted: Faulted): Promise<void> {
    const { clients, before } = faulted
    const status = await settled(bench)
    await clients.acknowledged(10)
    await clients.stop()
    const judged = await judge(bench, { clients: [clients], primary: leaderOf(status), hasFault: true })
    assert.equal(judged.verdict, 'passed', JSON.stringify(judged.findings))
    assert.equal(judged.figures.lostWrites, 0)
    assert.deepEqual(judged.figures.dualConfirms, [])
    assert.equal(timelineOf(status), timelineOf(before) + 1, 'one promotion, and no second one')
    assert.equal(
      clusterOf(status).leader?.switchesMs.length,
      (clusterOf(before).leader?.switchesMs.length ?? 0) + 1,
    )
    const { rawWrites, dualRoles } = judged.figures
    t.diagnostic(`longest time without an acknowledged row: ${Math.round(rawWrites?.longestGapMs ?? 0)} ms`)
    for (const { servers, overlapMs } of dualRoles)
      t.diagnostic(`${servers.join(' and ')} both said primary for ${Math.round(overlapMs)} ms`)
  }

  it('follows when every process of the zone is killed at once', async (t) => {
    const faulted = await strike('kill-zone')
    await failedOver(faulted)
    await bench.lab.restart(faulted.old)
    await proven(t, faulted)
  })

  it('follows when the zone loses its power, without a word to anybody', async (t) => {
    const faulted = await strike('power-off-zone')
    await failedOver(faulted)
    await faulted.end()
    await bench.lab.restart(faulted.old)
    await proven(t, faulted)
  })

  it('follows when the zone is cut off; the primary in there stops itself within its fence', async (t) => {
    const faulted = await strike('cut-link')
    await failedOver(faulted)
    const aloneMs = lastPrimaryMs(faulted) - faultBeganMs(faulted.clients)
    withinBound(t, faulted, aloneMs)
    await faulted.end()
    await proven(t, faulted)
    // Nothing that it was asked to write in there was ever confirmed.
    assert.deepEqual(ackedBy(faulted, faultBeganMs(faulted.clients)), [])
  })

  for (const direction of ['one-way-in', 'one-way-out'] as const) {
    it(`follows when packets get lost in one direction only (${direction}); the primary stops itself within its fence`, async (t) => {
      const faulted = await strike(direction)
      await failedOver(faulted)
      const aloneMs = lastPrimaryMs(faulted) - faultBeganMs(faulted.clients)
      withinBound(t, faulted, aloneMs)
      await faulted.end()
      await proven(t, faulted)
    })
  }

  it('follows when the zone freezes; woken up, the old primary confirms nothing and claims nothing', async (t) => {
    const faulted = await strike('stop-zone')
    await failedOver(faulted)
    const { leader } = clusterOf(await bench.operator.status())
    await faulted.end()
    await until('the old primary is a standby', async () => {
      const { facts } = await bench.operator.status()
      return facts.clusters[0]?.members.some(({ host, role }) => host === faulted.old && role === 'standby')
    })
    const { leader: later } = clusterOf(await settled(bench))
    assert.equal(later?.member, leader?.member)
    assert.equal(later?.epoch, leader?.epoch, 'nobody claimed leadership after the wake-up')
    await proven(t, faulted)
  })

  it('follows at once when the postmaster alone is killed: the agent beside it has seen it', async (t) => {
    const faulted = await strike('kill-postmaster')
    const run = await failedOver(faulted)
    const [opened] = run.records
    const detection = opened?.event.type === 'opened' ? opened.event.detection : undefined
    assert.match(JSON.stringify(detection), /the agent beside it saw it end/)
    await proven(t, faulted)
  })

  it('promotes the standby that received the most, although it has replayed the least', async (t) => {
    const before = await settled(bench)
    const old = leaderOf(before)
    const [best, stale] = othersThan(old)
    const clients = await startClients(bench, 'stale-standby', { probers: [old] })
    everybody.push(clients)
    await clients.acknowledged(10)
    await ask(bench, best, 'select pg_wal_replay_pause()')
    await clients.acknowledged(10)
    await inject('cut-link', {
      network: bench.lab.network,
      directory: bench.lab.state.directory,
      host: stale,
    })
    await clients.acknowledged(20)
    const [position] = await ask(
      bench,
      best,
      'select pg_last_wal_replay_lsn() as replayed, pg_last_wal_receive_lsn() as received',
    )
    await clients.strike('kill-zone', old)
    // Heard again only now that the old primary can send it nothing any more.
    await bench.lab.network.heal(stale)
    const faulted = { clients, old, before, end: async () => {} }
    const run = await failedOver(faulted)
    const choice = outcomeOf(run, 'choose')
    assert.equal(
      choice?.output?.['host'],
      best,
      `${JSON.stringify(choice)}; it was at ${JSON.stringify(position)}`,
    )
    await bench.lab.restart(old)
    await proven(t, faulted)
  })

  it('is not wanted when a standby is lost: clients go on, and nobody is promoted', async (t) => {
    const before = await settled(bench)
    const lost = othersThan(leaderOf(before))[0]
    const clients = await startClients(bench, 'standby-lost')
    everybody.push(clients)
    await clients.acknowledged(10)
    await clients.strike('kill-zone', lost)
    const { epoch, leader } = clusterOf(before)
    await sleep(2 * fenceMs)
    await clients.acknowledged(20)
    const during = clusterOf(await bench.operator.status())
    assert.deepEqual([during.leader, during.epoch], [leader, epoch])
    await bench.lab.restart(lost)
    assert.equal(leaderOf(await settled(bench)), leaderOf(before))
    await assertUndisturbed(t, clients, leaderOf(before))
  })

  it('is not wanted when the control plane is killed: nothing stops, and back again it knows how things are', async (t) => {
    const before = await settled(bench)
    const clients = await startClients(bench, 'control-plane-lost')
    everybody.push(clients)
    await clients.acknowledged(10)
    await clients.strike('kill-zone', 'ctl')
    // Longer than detection and fence together: nobody may stop, whoever can not reach it.
    await sleep(3 * fenceMs)
    await clients.acknowledged(20)
    await bench.lab.restart('ctl')
    const after = await settled(bench)
    assert.deepEqual(clusterOf(after).leader, clusterOf(before).leader)
    assert.equal(clusterOf(after).epoch, clusterOf(before).epoch)
    assert.equal(timelineOf(after), timelineOf(before))
    await assertUndisturbed(t, clients, leaderOf(before))
  })

  it('is taken up again by the control plane when that dies in the middle of it', async (t) => {
    const promoted = promotions(bench).requests
    const before = await settled(bench)
    const old = leaderOf(before)
    const clients = await startClients(bench, 'control-plane-dies')
    everybody.push(clients)
    await clients.acknowledged(10)
    const underWay = firstRecords(bench)
    await clients.strike('kill-zone', old)
    await underWay
    const { network, state } = bench.lab
    await inject('kill-zone', { network, directory: state.directory, host: 'ctl' })
    await sleep(1_000)
    await bench.lab.restart('ctl')
    const faulted = { clients, old, before, end: async () => {} }
    const run = await failedOver(faulted)
    assert.equal(takeOversOf(run), 2, 'another process of the control plane took it over')
    assert.equal(promotions(bench).requests - promoted, 1)
    await bench.lab.restart(old)
    await proven(t, faulted)
  })

  it('does not wait for a run that nobody executes any more', async (t) => {
    const before = await settled(bench)
    const old = leaderOf(before)
    const args = ['--param', `member=ledger-${othersThan(old)[0]}`]
    const { run } = await openApproved(bench, 'reprotect', ...args)
    const program = executorArguments(bench, run, ['--at', 'after:outcome:checkpoint'])
    assert.equal((await bench.startProgram(program).ended).code, 137)
    const clients = await startClients(bench, 'left-open')
    everybody.push(clients)
    await clients.acknowledged(10)
    await clients.strike('kill-zone', old)
    const faulted = { clients, old, before, end: async () => {} }
    await failedOver(faulted)
    const left = await showRun(bench, run)
    assert.equal(left.status, 'rolled-back')
    assert.equal(takeOversOf(left), 2, 'the control plane took it over')
    await bench.lab.restart(old)
    await proven(t, faulted)
  })

  it('does not bring back a commit whose wait was cancelled: clients were told that it was soft', async () => {
    const before = await settled(bench)
    const old = leaderOf(before)
    const [first, second] = othersThan(old)
    const clients = await startClients(bench, 'soft-commit', { orders: false, probers: [], rowEveryMs: 200 })
    everybody.push(clients)
    await clients.acknowledged(5)
    for (const host of [first, second]) await bench.lab.network.cut(host)
    await until('a client that was told: soft', async () => {
      await ask(
        bench,
        old,
        `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'exchange'`,
      )
      return rowsOf(clients.logs()).some(({ reason }) => reason === 'soft commit')
    })
    const soft = rowsOf(clients.logs()).filter(({ reason }) => reason === 'soft commit')
    assert.deepEqual(new Set(soft.map(({ outcome }) => outcome)), new Set(['unknown']))
    // Its power too: a kernel that lives on would still send what a killed server had left to it.
    const { end } = await clients.strike('power-off-zone', old)
    for (const host of [first, second]) await bench.lab.network.heal(host)
    await failedOver({ clients, old, before, end: async () => {} })
    await end?.()
    await bench.lab.restart(old)
    const status = await settled(bench)
    await clients.stop()
    const there = await ask(bench, leaderOf(status), 'select run, id from exchange.raw_writes')
    const ids = new Set(there.map(({ run, id }) => `${String(run)}-${String(id)}`))
    assert.deepEqual(
      soft.filter(({ id }) => ids.has(id)),
      [],
      'only the lost primary had them',
    )
    const judged = await judge(bench, { clients: [clients], primary: leaderOf(status), engine: false })
    assert.equal(judged.figures.lostWrites, 0, JSON.stringify(judged.findings))
    assert.equal(judged.verdict, 'passed', JSON.stringify(judged.findings))
  })

  it('has, over all these disasters together, cost no client an acknowledged write', async () => {
    const judged = await judge(bench, { clients: everybody, primary: leaderOf(await settled(bench)) })
    assert.equal(judged.verdict, 'passed', JSON.stringify(judged.findings))
    assert.equal(judged.figures.lostWrites, 0)
    assert.deepEqual(judged.figures.dualConfirms, [])
  })

  /** Clients wrote to the same primary all the time, but for a moment. */
  async function assertUndisturbed(t: TestContext, clients: Clients, primary: ZoneHostName): Promise<void> {
    await clients.stop()
    const judged = await judge(bench, { clients: [clients], primary, hasFault: true })
    assert.equal(judged.verdict, 'passed', JSON.stringify(judged.findings))
    const longestGapMs = judged.figures.rawWrites?.longestGapMs ?? Infinity
    t.diagnostic(`longest time without an acknowledged row: ${Math.round(longestGapMs)} ms`)
    assert.ok(longestGapMs < 3_000, `clients waited for ${longestGapMs} ms`)
  }

  /** Monotonic stamp at which the old primary last said that it is one. */
  function withinBound(t: TestContext, { staleReadBoundMs }: Struck, aloneMs: number): void {
    t.diagnostic(
      `the isolated primary served for ${Math.round(aloneMs)} ms of the printed ${staleReadBoundMs} ms`,
    )
    assert.ok(aloneMs <= staleReadBoundMs, `it said primary for ${aloneMs} ms after the cut`)
  }

  function lastPrimaryMs({ clients, old }: Faulted): number {
    const server = bench.lab.network.addressOf(old)
    const roles = clients.logs().flatMap((log) => log.roles)
    return Math.max(
      ...roles.filter((one) => one.server === server && one.role === 'primary').map(({ atMs }) => atMs),
    )
  }

  /** Ids that the old primary confirmed to anybody although they were sent after that moment. */
  function ackedBy({ clients, old }: Faulted, afterMs: number): readonly string[] {
    const server = bench.lab.network.addressOf(old)
    const attempts = clients.logs().flatMap((log) => log.attempts)
    return attempts
      .filter((one) => isAcked(one) && one.server === server && one.sentMs > afterMs)
      .map(({ id }) => id)
  }
})

function timelineOf(status: ControlPlaneStatus): number {
  const leader = status.facts.clusters[0]?.members.find(({ host }) => host === leaderOf(status))
  return leader?.timeline ?? 0
}

/** Resolves as soon as an executor has begun with a new run. */
async function firstRecords({ operator }: Bench): Promise<void> {
  const { store, keys } = operator
  const known = await store.list(keys.runs)
  let revision = Math.max(0, ...known.map((entry) => entry.revision))
  for (;;) {
    const changed = await store.changes(keys.runs, revision, 1_000)
    if (changed.some(({ value }) => value.includes('"type":"intent"'))) return
    revision = Math.max(revision, ...changed.map((entry) => entry.revision))
  }
}

/** For how long an isolated primary may answer reads, as two commands print it: one looks, the other only reads the estate. */
async function printedBound(bench: Bench): Promise<number> {
  const said = /stale reads for at most (\d+) ms/
  const status = await bench.pointzero('operator', 'status')
  const check = capture()
  await runCommandLine(['check', hostPaths(bench.lab.state.directory, 'ctl').estate], check.terminal)
  const boundMs = Number(said.exec(status.stdout)?.[1])
  assert.ok(boundMs > fenceMs, status.stdout + status.stderr)
  assert.equal(Number(said.exec(check.said.stdout)?.[1]), boundMs)
  return boundMs
}
