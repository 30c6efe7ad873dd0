import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { capturingEstate, capturingFacts } from '../../../test/support/capturing-estate.ts'
import { memberFact, sampleFacts, unadopted, unseen } from '../../../test/support/sample-facts.ts'
import type { Json } from '../../domain/canonical-json.ts'
import type { Facts } from '../../domain/facts.ts'
import type { Plan } from '../../domain/plan.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { planHash, validatePlan } from '../../engine/plan-hash.ts'
import { controlActions } from '../../actions/control-actions.ts'
import { agentActions } from '../../actions/agent-actions.ts'
import type { Estate, PostgresPolicy } from '../../estate/estate.ts'
import { simulatedEstate } from '../../simulation/simulated-estate.ts'
import { procedureNamed, procedures } from './catalogue.ts'

const empty = {
  role: 'stopped',
  timeline: 0,
  systemIdentifier: '',
  versionNumber: 0,
  receiving: false,
} as const

interface Sample {
  readonly facts: Facts
  readonly parameters: Readonly<Record<string, string>>
  /** The simulated one when absent. */
  readonly estate?: (policy?: Partial<PostgresPolicy>) => Estate
}

/** One situation for each procedure in which it has a plan. */
const samples: ReadonlyMap<string, Sample> = new Map<string, Sample>([
  [
    'adoption',
    {
      facts: sampleFacts({
        ...unadopted,
        members: [memberFact(1), memberFact(2, empty), memberFact(3, empty)],
      }),
      parameters: {},
    },
  ],
  [
    'zone-failover',
    {
      facts: sampleFacts({ members: [memberFact(1, unseen), memberFact(2), memberFact(3)] }),
      parameters: {},
    },
  ],
  ['switchover', { facts: sampleFacts(), parameters: { to: 'p3' } }],
  [
    'point-in-time-recovery',
    {
      facts: sampleFacts(),
      parameters: {
        lsn: '0/5000000',
        inclusive: 'no',
        timeline: '1',
        snapshot: '20261122T010203Z-abcdefgh',
        reached: '0/5000000',
      },
    },
  ],
  [
    'component-restore',
    {
      facts: sampleFacts({ members: [memberFact(1, empty), memberFact(2, empty), memberFact(3, empty)] }),
      parameters: {
        lsn: '0/5000000',
        inclusive: 'yes',
        timeline: '1',
        snapshot: '20261122T010203Z-abcdefgh',
        reached: '0/5000000',
        'accept-loss': 'yes',
      },
    },
  ],
  ['backup', { facts: sampleFacts(), parameters: {} }],
  ['backup-verification', { facts: sampleFacts(), parameters: {} }],
  [
    'synchronous-capture',
    {
      facts: capturingFacts(sampleFacts()),
      parameters: { switch: 'on' },
      estate: (policy = {}) => capturingEstate({ synchronous: true }, { policy }),
    },
  ],
  ['maintenance', { facts: sampleFacts(), parameters: { switch: 'on' } }],
  ['reprotect', { facts: sampleFacts({ publishedSync: ['p3'] }), parameters: { member: 'p2' } }],
])

function sampleOf(name: string): Sample {
  const sample = samples.get(name)
  assert.ok(sample, `a sample for ${name}`)
  return sample
}

function estateOf(name: string, policy?: Partial<PostgresPolicy>): Estate {
  return (sampleOf(name).estate ?? simulatedEstate)(policy)
}

function planned(name: string, facts = sampleOf(name).facts, parameters = sampleOf(name).parameters): Plan {
  const estate = estateOf(name)
  return procedureNamed(name).plan({ estate, facts, parameters, mode: 'real' })
}

/** The hash, or the code of the refusal: either way not the plan that was approved. */
function outcome(name: string, facts: Facts): string {
  try {
    return planHash(planned(name, facts))
  } catch (error) {
    if (error instanceof RecoveryError && error.class !== 'bug') return error.code
    throw error
  }
}

type Path = readonly (string | number)[]

function leaves(value: Json, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : leaves(member, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

function changedAt(value: Json, path: Path): Json {
  const [key, ...rest] = path
  if (key === undefined) return otherThan(value)
  if (Array.isArray(value))
    return value.map((member: Json, index) => (index === key ? changedAt(member, rest) : member))
  const members = value as Readonly<Record<string, Json>>
  return { ...members, [key]: changedAt(members[key] ?? null, rest) }
}

function otherThan(value: Json): Json {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  return typeof value === 'string' ? `${value}x` : 'x'
}

function shuffled(value: Json, order: (keys: readonly string[]) => readonly string[]): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((member: Json) => shuffled(member, order))
  const members = value as Readonly<Record<string, Json>>
  return Object.fromEntries(
    order(Object.keys(members)).map((key) => [key, shuffled(members[key] ?? null, order)]),
  )
}

/** What a plan on this cluster does not depend on: whether an application runs now. Doors are shut whoever leads. */
function matters(name: string, path: Path): boolean {
  if (name === 'maintenance') return path[0] !== 'clusters' && path[0] !== 'instances' && path[0] !== 'copies'
  const isZoneOfInstance = path[0] === 'instances' && path[2] === 'zone'
  return !(path[0] === 'instances' && path[2] === 'running') && !isZoneOfInstance
}

for (const { name } of procedures) {
  const { facts } = sampleOf(name)

  test(`${name}: its plan can run as it reads`, () => {
    validatePlan(planned(name))
  })

  test(`${name}: every step and every compensation is an action of this version, where it is performed`, () => {
    for (const { action, actionVersion, on, compensation } of planned(name).steps) {
      const known = on === 'control' ? controlActions : agentActions
      assert.equal(known.get(action)?.version, actionVersion, action)
      if (compensation !== undefined)
        assert.equal(known.get(compensation.action)?.version, compensation.actionVersion, compensation.action)
    }
  })

  test(`${name}: a step of an action that only looks declares no effect, and any other declares one`, () => {
    for (const { id, action, on, effect } of planned(name).steps) {
      const known: ReadonlyMap<string, object> = on === 'control' ? controlActions : agentActions
      assert.equal(effect === 'none', !('apply' in (known.get(action) ?? {})), id)
    }
  })

  test(`${name}: the same facts in another order of keys give the same hash`, () => {
    const hash = planHash(planned(name))
    assert.equal(
      planHash(planned(name, shuffled(facts as never, (keys) => keys.toReversed()) as never)),
      hash,
    )
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (stream) => {
        const order = (keys: readonly string[]) =>
          keys
            .map((key) => ({ key, at: stream.next().value }))
            .toSorted((a, b) => a.at - b.at)
            .map(({ key }) => key)
        return planHash(planned(name, shuffled(facts as never, order) as never)) === hash
      }),
      { numRuns: 20 },
    )
  })

  test(`${name}: every fact that matters changes the hash, or there is no plan any more`, () => {
    const approved = planHash(planned(name))
    const paths = leaves(facts as never).filter((path) => matters(name, path))
    assert.ok(paths.length > (name === 'maintenance' ? 7 : 30))
    for (const path of paths) {
      const changed = changedAt(facts as never, path) as unknown as Facts
      assert.notEqual(outcome(name, changed), approved, path.join('.'))
    }
  })

  test(`${name}: facts that do not matter leave an approval in force`, () => {
    const approved = planHash(planned(name))
    const paths = leaves(facts as never).filter((path) => path[0] === 'instances' && path[2] === 'running')
    assert.equal(paths.length, 3)
    for (const path of paths) assert.equal(outcome(name, changedAt(facts as never, path) as never), approved)
  })

  test(`${name}: nothing that moves every millisecond is in the plan`, () => {
    assert.doesNotMatch(JSON.stringify(planned(name)), /lagBytes|receivedLsn|replayedLsn|flushLsn|ageMs/)
  })

  test(`${name}: another parameter, a drill and another policy are other plans`, () => {
    const approved = planHash(planned(name))
    const { parameters } = sampleOf(name)
    const named = { ...parameters, cluster: 'ledger' }
    assert.notEqual(planHash(planned(name, facts, named)), approved)
    const procedure = procedureNamed(name)
    const drill = procedure.plan({ estate: estateOf(name), facts, parameters, mode: 'drill' })
    assert.notEqual(planHash(drill), approved)
    const stricter = estateOf(name, { detectMs: 9_000 })
    assert.notEqual(planHash(procedure.plan({ estate: stricter, facts, parameters, mode: 'real' })), approved)
  })
}

test('an unknown procedure is refused with the ones that there are', () => {
  assert.throws(() => procedureNamed('dance'), {
    code: 'PROCEDURE_UNKNOWN',
    message: /adoption, zone-failover/,
  })
})
