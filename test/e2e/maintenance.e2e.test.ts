import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { inject } from '../../src/lab/faults/fault.ts'
import { databaseTls } from '../../src/lab/database-tls.ts'
import type { LabHostName, ZoneHostName } from '../../src/lab/lab-host.ts'
import { labDatabase, labMaintenanceMessage } from '../../src/lab/lab-estate.ts'
import { labPorts } from '../../src/lab/lab-ports.ts'
import { stamps } from '../../src/lab/workload/client-log.ts'
import { benchUp, until } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { isAcked, judge, rowsOf, startClients } from './support/clients.ts'
import type { Clients } from './support/clients.ts'
import {
  clusterOf,
  leaderOf,
  othersThan,
  runApproved,
  runsOf,
  settled,
  showRun,
} from './support/estate-view.ts'

describe('maintenance, with clients that want in all the time', () => {
  let bench: Bench
  let clients: Clients
  let old: ZoneHostName
  let closedMs = 0
  before(async () => {
    bench = await benchUp()
    clients = await startClients(bench, 'maintenance')
  })
  afterEach((t) => {
    if (!t.passed) bench.failed()
  })
  after(async () => await bench.down())

  /** What a client of PostgreSQL hears at the ledger's gate on that host: one that prefers TLS, since a closed door has none. */
  async function heardAt(host: LabHostName): Promise<string> {
    const encrypted = await heard(host, databaseTls(bench.lab.authorityFile))
    return encrypted === 'The server does not support SSL connections' ? await heard(host, false) : encrypted
  }

  async function heard(host: LabHostName, ssl: ReturnType<typeof databaseTls>): Promise<string> {
    const client = new Client({
      host: bench.lab.network.addressOf(host),
      port: labPorts.ledgerGate,
      ...labDatabase,
      password: bench.lab.ledgerPassword,
      ssl,
      connectionTimeoutMillis: 5_000,
    })
    client.on('error', () => {}) // what it is told is the rejection of connect
    try {
      await client.connect()
      return 'welcome'
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    } finally {
      await client.end().catch(() => {})
    }
  }

  async function shutDoors(): Promise<readonly (boolean | undefined)[]> {
    const { hosts } = await bench.operator.status()
    return hosts.flatMap(({ view }) => view?.gates ?? []).map(({ shut }) => shut)
  }

  function nobodyWasServed(): void {
    const rows = rowsOf(clients.logs()).filter((row) => isAcked(row) && row.sentMs > closedMs)
    assert.deepEqual(rows, [])
  }

  it('switched on, ends who is inside, tells the others why, and stands above everything in the status', async () => {
    old = leaderOf(await settled(bench))
    await clients.acknowledged(10)
    assert.equal(await heardAt('client'), 'welcome')
    const run = await runApproved(bench, 'maintenance', '--param', 'switch=on', '--param', 'drain=PT1S')
    assert.equal(run.status, 'completed', JSON.stringify(run.records.at(-1)))
    closedMs = stamps().monoMs
    for (const host of ['client', 'az1', 'az2', 'az3'] as const)
      assert.equal(await heardAt(host), labMaintenanceMessage)
    const { stdout } = await bench.pointzero('operator', 'status')
    assert.match(
      stdout,
      /^MAINTENANCE: CLIENTS ARE KEPT OUT since \S+, asked for by prn_\w+, approved by prn_\w+, run_\w+$/m,
    )
    assert.match(stdout, /^ {2}orders-gate on client is closed$/m)
    await sleep(1_000)
    nobodyWasServed()
  })

  it('a zone is lost behind the closed gates: another leads, the application is back, and nobody got in', async () => {
    await clients.strike('kill-zone', old)
    await until('another member leads', async () => {
      const status = await bench.operator.status()
      return leaderOf(status) !== old && clusterOf(status).openRun === ''
    })
    const failover = (await runsOf(bench)).findLast(({ procedure }) => procedure === 'zone-failover')
    const { status, records } = await showRun(bench, failover?.run ?? '')
    assert.match(status, /^completed(-with-gaps)?$/, JSON.stringify(records.at(-1)))
    await until('the application is ready beside the new primary', async () => {
      const { hosts, ...rest } = await bench.operator.status()
      const next = leaderOf({ hosts, ...rest })
      return hosts.find(({ host }) => host === next)?.view?.instances.some(({ ready }) => ready) === true
    })
    assert.equal(await heardAt('client'), labMaintenanceMessage)
    nobodyWasServed()
  })

  it('agents, gates and the control plane start again, also those of the lost zone, and nobody gets in', async () => {
    await bench.lab.restart(old)
    await settled(bench)
    await clients.stop()
    nobodyWasServed()
    const place = { network: bench.lab.network, directory: bench.lab.state.directory }
    for (const host of ['ctl', 'client'] as const) {
      await inject('kill-zone', { ...place, host })
      await bench.lab.restart(host)
    }
    const [other] = othersThan(old)
    await until(
      'every door is reported shut',
      async () => (await shutDoors()).join() === Array(5).fill(true).join(),
    )
    await settled(bench)
    for (const host of ['client', old, other] as const)
      assert.equal(await heardAt(host), labMaintenanceMessage)
  })

  it('switched off, lets clients in to the new primary, and nothing that was acknowledged is gone', async () => {
    const run = await runApproved(bench, 'maintenance', '--param', 'switch=off')
    assert.equal(run.status, 'completed', JSON.stringify(run.records.at(-1)))
    const later = await startClients(bench, 'after', { probers: [] })
    await later.acknowledged(10)
    await later.stop()
    const leader = leaderOf(await settled(bench))
    assert.notEqual(leader, old)
    const { stdout } = await bench.pointzero('operator', 'status')
    assert.doesNotMatch(stdout, /MAINTENANCE/)
    const { verdict, findings, figures } = await judge(bench, { clients: [clients, later], primary: leader })
    assert.equal(verdict, 'passed', JSON.stringify(findings))
    assert.equal(figures.lostWrites, 0)
  })
})
