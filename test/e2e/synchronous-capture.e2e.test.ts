import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { inject } from '../../src/lab/faults/fault.ts'
import { destroyAllData } from '../../src/lab/faults/seeded-fault.ts'
import type { CaptureView } from '../../src/ports/kept-copies.ts'
import type { ControlPlaneStatus } from '../../src/server/status-wire.ts'
import { benchUp, patientPolicy, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { judge, startClients } from './support/clients.ts'
import { clusterOf, leaderOf, outcomeOf, runApproved, settled, showRun } from './support/estate-view.ts'
import { executorArguments, openApproved } from './support/interrupted-run.ts'

const seed = Number(process.env['POINTZERO_CRASH_SEED'] ?? 1)

interface Status {
  readonly readiness: readonly {
    readonly component: string
    readonly colour: string
    readonly reason: string
  }[]
}

function ruleOf(status: ControlPlaneStatus): string {
  const { publishedSync = [], publishedCount = 0 } = clusterOf(status).leader ?? {}
  return `${publishedCount} of ${publishedSync.join(', ')}`
}

function captureOf({ hosts }: ControlPlaneStatus): CaptureView | undefined {
  return hosts.find(({ host }) => host === 'vlt')?.view?.copies?.[0]?.capture
}

/** Without asking for a settled estate: its vault may be gone. */
async function switched(bench: Bench, direction: 'on' | 'off'): Promise<string> {
  const { run } = await openApproved(bench, 'synchronous-capture', '--param', `switch=${direction}`)
  const ended = await bench.startProgram(executorArguments(bench, run, [])).ended
  assert.equal(ended.code, 0, ended.stdout.slice(-2000))
  return ruleOf(await bench.operator.status())
}

async function receiving(bench: Bench, kind: CaptureView['protection']['kind']): Promise<void> {
  await until(`the capture is ${kind} from the leader`, async () => {
    const status = await bench.operator.status()
    const address = bench.lab.network.addressOf(leaderOf(status))
    const capture = captureOf(status)
    return capture?.protection.kind === kind && capture.source?.startsWith(`${address}:`) === true
  })
}

async function readyText(bench: Bench): Promise<string> {
  const { readiness } = await bench.json<Status>('operator', 'status')
  const found = readiness.find(({ component }) => component === 'ledger')
  return `${found?.colour}: ${found?.reason}`
}

async function killVault({ lab }: Bench): Promise<void> {
  await inject('kill-zone', { network: lab.network, directory: lab.state.directory, host: 'vlt' })
}

describe('commits that wait for every standby and for the archive', () => {
  let bench: Bench
  before(async () => {
    bench = await benchUp({ ...patientPolicy, synchronousCount: 2, synchronousCapture: true })
    await settled(bench)
    await runApproved(bench, 'backup')
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  it('are all in the archive when every data directory is gone: restored without a loss that anybody accepts', async (t) => {
    assert.match(await readyText(bench), /AMBER: commits do not wait for wal/)
    await runApproved(bench, 'synchronous-capture', '--param', 'switch=on')
    assert.match(ruleOf(await bench.operator.status()), /^3 of ledger-az\d, ledger-az\d, wal$/)
    await receiving(bench, 'sync')
    assert.match(
      (await bench.pointzero('operator', 'status')).stdout,
      /sync \(3 of 3\).*no acknowledged commit/,
    )
    const clients = await startClients(bench, 'archived', { probers: [] })
    await clients.acknowledged(60)
    const log = join(clients.directory, 'faults.jsonl')
    const order = { log, seed, earliestMs: 500, latestMs: 2_000 }
    await destroyAllData(bench.lab, order, new AbortController().signal)
    await until('every member has lost its data', async () => {
      const status = await bench.operator.status()
      const members = status.facts.clusters[0]?.members ?? []
      return (
        clusterOf(status).openRun === '' &&
        members.every(({ role, systemIdentifier }) => role === 'stopped' && systemIdentifier === '')
      )
    })
    const { run, plan } = await openApproved(bench, 'component-restore', '--param', 'target=end')
    assert.equal(plan.parameters['accept-loss'], undefined)
    const ended = await bench.startProgram(executorArguments(bench, run, [])).ended
    assert.equal(ended.code, 0, ended.stdout.slice(-2000))
    const leader = leaderOf(await settled(bench))
    await clients.acknowledged(40)
    await clients.stop()
    const { findings, figures } = await judge(bench, { clients: [clients], primary: leader, hasFault: true })
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict !== 'passed'),
      [],
    )
    t.diagnostic(`${figures.lostWrites} of ${figures.acknowledgedWrites} acknowledged writes lost`)
    assert.equal(figures.lostWrites, 0)
    const { proof } = outcomeOf(await showRun(bench, run), 'archive-end') as { readonly proof: object }
    assert.equal((proof as { readonly confirmedCommitsLost: unknown }).confirmedCommitsLost, 0)
    assert.match(ruleOf(await bench.operator.status()), /^2 of ledger-az\d, ledger-az\d$/)
  })

  it('wait while the archive is gone, which is red and says how they go on; and go on when it is switched off', async () => {
    await receiving(bench, 'streaming')
    await runApproved(bench, 'synchronous-capture', '--param', 'switch=on')
    const clients = await startClients(bench, 'stalled', { probers: [], orders: false })
    await clients.acknowledged(10)
    await killVault(bench)
    await until('it is red', async () =>
      /RED: commits wait for wal, which does not receive: .*switch=off/.test(await readyText(bench)),
    )
    await assert.rejects(clients.acknowledged(1, 2_000), 'a commit went around the archive')
    assert.match(await switched(bench, 'off'), /^2 of ledger-az\d, ledger-az\d$/)
    await clients.acknowledged(20)
    await clients.stop()
  })
})

describe('commits that wait for two of two standbys and the archive', () => {
  let bench: Bench
  before(async () => {
    bench = await benchUp({ ...patientPolicy, synchronousCapture: true })
    await settled(bench)
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  it('go on without the archive, and a zone failover is as quick and as safe as before: the new primary waits for none', async () => {
    await runApproved(bench, 'synchronous-capture', '--param', 'switch=on')
    assert.match(ruleOf(await bench.operator.status()), /^2 of ledger-az\d, ledger-az\d, wal$/)
    await receiving(bench, 'sync')
    // Two standbys may have acknowledged a commit that the archive has not: nobody says otherwise.
    assert.match((await bench.pointzero('operator', 'status')).stdout, /sync \(2 of 3\).*at most/)
    const clients = await startClients(bench, 'quorum', { probers: [] })
    await clients.acknowledged(20)
    await killVault(bench)
    await clients.acknowledged(40, 10_000)
    await until('it is amber', async () => /AMBER: wal does not receive/.test(await readyText(bench)))
    const old = leaderOf(await bench.operator.status())
    await clients.strike('kill-zone', old)
    await until('another leads', async () => leaderOf(await bench.operator.status()) !== old)
    await clients.acknowledged(40, 30_000)
    assert.match(ruleOf(await bench.operator.status()), /^1 of ledger-az\d/)
    await bench.lab.restart('vlt')
    await bench.lab.restart(old)
    const leader = leaderOf(await settled(bench))
    await clients.stop()
    const { findings } = await judge(bench, { clients: [clients], primary: leader, hasFault: true })
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict !== 'passed'),
      [],
    )
    await receiving(bench, 'streaming')
    assert.match(await switched(bench, 'on'), /^2 of .*wal$/)
    assert.match(await switched(bench, 'off'), /^1 of ledger-az\d, ledger-az\d$/)
  })
})
