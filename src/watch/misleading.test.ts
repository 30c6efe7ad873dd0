import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentView } from '../agent/wire.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { misleading } from './misleading.ts'

const estate = simulatedEstate()
const cluster = estate.components.find(
  (component): component is PostgresComponent => component.kind === 'postgres',
)
const leader = { member: 'mbr_ledger1', publishedSync: ['p2', 'p3'], publishedCount: 1 } as const
const nothing: AgentView = { members: [], probes: [], gates: [], instances: [], epochs: [] }

function client(database: string, application = '10.0.0.1:8080'): AgentView {
  return {
    ...nothing,
    gates: [
      { component: 'cmp_dbgate', epoch: 1, target: database },
      { component: 'cmp_appgate', epoch: 1, target: application },
    ],
  }
}

function home(ready: boolean, syncNames: readonly string[] = ['p3', 'p2']): AgentView {
  const observation = { role: 'primary' as const, syncNames, syncCount: 1 }
  return {
    ...nothing,
    members: [{ component: 'cmp_ledger', member: 'mbr_ledger1', observation, ageMs: 0, fenced: false }],
    instances: [{ component: 'cmp_engine0', running: ready, ready }],
  }
}

function judge(
  views: Readonly<Record<string, AgentView>>,
  record = leader as Parameters<typeof misleading>[2],
) {
  assert.ok(cluster !== undefined)
  return misleading(estate, cluster, record, (host) => views[host])
}

test('all is well when gates lead to the leader and the application is ready beside it', () => {
  assert.equal(judge({ hst_client: client('10.0.0.1:5432'), hst_az1000: home(true) }), '')
})

test('a gate that leads nowhere, or to another member, is named with both places', () => {
  assert.match(judge({ hst_client: client('') }), /db on client leads to nowhere, not to 10\.0\.0\.1:5432/)
  assert.match(judge({ hst_client: client('10.0.0.2:5432') }), /leads to 10\.0\.0\.2:5432/)
})

test('an application that is not ready beside the leader, and a gate that leads past it', () => {
  const views = { hst_client: client('10.0.0.1:5432', '10.0.0.2:8080'), hst_az1000: home(false) }
  assert.match(judge(views), /engine is not ready beside p1/)
  assert.match(judge({ ...views, hst_az1000: home(true) }), /app on client leads to 10\.0\.0\.2:8080/)
})

test('what does not answer says nothing', () => {
  assert.equal(judge({}), '')
})

test('a loaded rule that is not the published one', () => {
  assert.match(judge({ hst_az1000: home(true, ['p3']) }), /p1 waits for p3, published are p2, p3/)
})

test('a server that waits for fewer than the record promises is put right: a restore would believe the record', () => {
  const views = { hst_az1000: home(true) }
  assert.match(
    judge(views, { ...leader, publishedCount: 2 }),
    /p1 waits for 1 of p2, p3, the record promises 2/,
  )
})

test('a record that promises fewer acknowledgements than the policy forbids a failover: it is put right', () => {
  assert.match(judge({}, { ...leader, publishedCount: 0 }), /promises 0 acknowledgements, the policy 1/)
})
