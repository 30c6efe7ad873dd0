import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleFacts } from '../../test/support/sample-facts.ts'
import type { Facts } from '../domain/facts.ts'
import type { Plan } from '../domain/plan.ts'
import { planHash } from '../engine/plan-hash.ts'
import type { Estate } from '../estate/estate.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { maintenance } from './maintenance.ts'

const estate = simulatedEstate()
const facts = sampleFacts()
const on: Facts = {
  ...facts,
  maintenance: {
    on: true,
    gates: ['cmp_dbgate', 'cmp_appgate'],
    message: 'Closed.',
    sinceMs: 5,
    run: 'run_before',
  },
}

function plan(parameters: Readonly<Record<string, string>>, of: Facts = facts, place: Estate = estate): Plan {
  return maintenance.plan({ estate: place, facts: of, parameters, mode: 'real' })
}

function ids({ steps }: Plan): readonly string[] {
  return steps.map(({ id }) => id)
}

test('on closes each named gate wherever it is, and then writes it down', () => {
  const made = plan({ switch: 'on', drain: 'PT3S' })
  assert.deepEqual(ids(made), ['close-db-client', 'close-app-client', 'record'])
  assert.deepEqual(made.steps.at(-1)?.after, ['close-db-client', 'close-app-client'])
  assert.equal(made.steps[0]?.args['drainMs'], 3_000)
  assert.equal(made.steps[0]?.args['message'], 'Closed for a rehearsal.')
})

test('off waits until each gate leads to the leader of that moment before it opens any', () => {
  const made = plan({ switch: 'off' }, on)
  assert.deepEqual(ids(made), ['led-db', 'led-app', 'open-db-client', 'open-app-client', 'record'])
  assert.deepEqual(made.steps[2]?.after, ['led-db', 'led-app'])
})

test('its scope is no cluster, so that a failover waits for no maintenance', () => {
  assert.equal(plan({ switch: 'on' }).scope, 'maintenance:est_simulated')
})

test('undone, on opens again, and off closes again as it was, since then and by whom it was', () => {
  const undo = (made: Plan) => made.steps.map(({ compensation }) => compensation?.action)
  assert.deepEqual(undo(plan({ switch: 'on' })), ['gate.open', 'gate.open', 'maintenance.record'])
  const off = plan({ switch: 'off' }, on)
  assert.deepEqual(undo(off), [undefined, undefined, 'gate.close', 'gate.close', 'maintenance.record'])
  const args = off.steps.at(-1)?.compensation?.args
  assert.deepEqual([args?.['sinceMs'], args?.['restores'], args?.['on']], [5, 'run_before', true])
})

test('switching on what is on is never undone into being off', () => {
  assert.ok(plan({ switch: 'on' }, on).steps.every(({ compensation }) => compensation === undefined))
})

test('a gate that was closed under an earlier estate is opened with the others', () => {
  const { maintenance: declared, ...rest } = estate
  assert.ok(declared !== undefined)
  const less: Estate = { ...rest, maintenance: { ...declared, closes: ['app'] } }
  assert.deepEqual(
    ids(plan({ switch: 'off' }, on, less)).filter((id) => id.startsWith('open')),
    ['open-app-client', 'open-db-client'],
  )
  assert.deepEqual(ids(plan({ switch: 'off' }, on, rest)).filter((id) => id.startsWith('open')).length, 2)
})

test('a gate that does not answer is named and waited for by nobody', () => {
  const gates = facts.gates.map((gate) => ({ ...gate, reachable: gate.component !== 'cmp_dbgate' }))
  const [first, , record] = plan({ switch: 'on' }, { ...facts, gates }).steps
  assert.equal(first?.optional, true)
  assert.deepEqual(record?.after, ['close-app-client'])
})

test('an application beside a gate that it depends on still gets through, and HAProxy can not promise that', () => {
  const changed = (implementation: 'builtin' | 'haproxy'): Estate => ({
    ...estate,
    components: estate.components.map((component) => {
      if (component.kind === 'compute') return { ...component, dependsOn: ['ledger', 'db'] }
      if (component.kind !== 'gate' || component.name !== 'db') return component
      return {
        ...component,
        implementation,
        listeners: [
          { host: 'az1', port: 1 },
          { host: 'client', port: 1 },
        ],
      }
    }),
  })
  const own = plan({ switch: 'on' }, facts, changed('builtin')).steps.map(({ args }) => args['admitsOwnHost'])
  assert.deepEqual(own, [true, undefined, undefined, undefined])
  assert.throws(() => plan({ switch: 'on' }, facts, changed('haproxy')), {
    code: 'MAINTENANCE_SHUTS_APPLICATION',
  })
})

test('what can not be closed is refused until a person leaves it out by name', () => {
  const { maintenance: declared, ...rest } = estate
  assert.ok(declared !== undefined)
  const more: Estate = { ...rest, maintenance: { ...declared, closes: ['app', 'engine'] } }
  assert.throws(() => plan({ switch: 'on' }, facts, more), { code: 'MAINTENANCE_NOT_CLOSABLE' })
  assert.deepEqual(ids(plan({ switch: 'on', without: 'engine' }, facts, more)), [
    'close-app-client',
    'record',
  ])
  assert.throws(() => plan({ switch: 'on', without: 'app' }), { code: 'MAINTENANCE_NOT_CLOSABLE' })
  assert.throws(() => plan({ switch: 'on' }, facts, rest), { code: 'MAINTENANCE_NOT_DECLARED' })
})

test('an order that is none is refused', () => {
  assert.throws(() => plan({}), { code: 'MAINTENANCE_SWITCH' })
  assert.throws(() => plan({ switch: 'enabled' }), { code: 'MAINTENANCE_SWITCH' })
  for (const drain of ['soon', 'PT2H'])
    assert.throws(() => plan({ switch: 'on', drain }), { code: 'MAINTENANCE_DRAIN' })
})

test('an approval to open lapses when somebody else switched meanwhile', () => {
  const { maintenance: before } = on
  assert.ok(before !== undefined)
  const later: Facts = { ...on, maintenance: { ...before, run: 'run_after' } }
  assert.notEqual(planHash(plan({ switch: 'off' }, on)), planHash(plan({ switch: 'off' }, later)))
})
