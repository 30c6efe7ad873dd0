import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stepOf } from '../../test/support/plan-order.ts'
import { memberFact, sampleFacts, unseen } from '../../test/support/sample-facts.ts'
import type { ClusterFacts, Facts } from '../domain/facts.ts'
import type { Plan, Step } from '../domain/plan.ts'
import type { Estate } from '../estate/estate.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { reprotect } from './reprotect.ts'
import { zoneFailover } from './zone-failover.ts'

const three = simulatedEstate()
const two: Estate = {
  ...three,
  components: three.components.map((component) =>
    component.kind === 'postgres' ? { ...component, members: component.members.slice(0, 2) } : component,
  ),
}
const pair: Partial<ClusterFacts> = { publishedSync: ['p2'], members: [memberFact(1, unseen), memberFact(2)] }
const accepted = { 'single-copy': 'accepted' }

function failover(estate: Estate, facts: Facts, parameters: Readonly<Record<string, string>> = {}): Plan {
  return zoneFailover.plan({ estate, facts, parameters, mode: 'real' })
}

test('a failover that would leave a single copy is refused before anything is done', () => {
  for (const parameters of [{}, { 'single-copy': 'yes' }, { 'accept-loss': 'yes' }])
    assert.throws(() => failover(two, sampleFacts(pair), parameters), {
      code: 'SINGLE_COPY',
      class: 'refused',
      hint: /single-copy=accepted/,
    })
})

test('a single copy does not excuse a revocation that is impossible', () => {
  const facts = sampleFacts({ ...pair, members: [memberFact(1, unseen), memberFact(2, unseen)] })
  assert.throws(() => failover(two, facts, accepted), { code: 'REVOCATION_IMPOSSIBLE' })
  const unprotected = sampleFacts({ ...pair, publishedSync: [], publishedCount: 0 })
  assert.throws(() => failover(two, unprotected, accepted), { code: 'REVOCATION_IMPOSSIBLE' })
})

test('accepted, the new primary opens with an empty rule, and the record says so', () => {
  const made = failover(two, sampleFacts(pair), accepted)
  const claim = stepOf(made, 'claim').args
  assert.deepEqual([claim['publishedSync'], claim['publishedCount'], claim['singleCopy']], [[], 0, true])
  const { names, count } = stepOf(made, 'set-sync').args
  assert.deepEqual([names, count], [[], 0])
  assert.match(stepOf(made, 'acknowledge').proves, /only copy/)
  assert.equal(stepOf(made, 'choose').args['needed'], 1)
})

/** What a single copy changes in a step, taken out. */
function withoutRule(step: Step): unknown {
  const {
    publishedSync: _,
    publishedCount: __,
    singleCopy: ___,
    names: ____,
    count: _____,
    ...args
  } = step.args
  const { fallbackSync: ______, accepts: _______, ...kept } = args
  return { ...step, args: kept, proves: ['set-sync', 'acknowledge'].includes(step.id) ? '' : step.proves }
}

test('accepted, nothing but the rule changes: it is the failover of three members of which one answers', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (oldAnswers, gate, running) => {
      const old = memberFact(1, oldAnswers ? {} : unseen)
      const facts = (members: ClusterFacts['members']): Facts => {
        const all = sampleFacts({ ...pair, members })
        const gates = all.gates.map((one) => ({ ...one, reachable: gate }))
        return { ...all, gates, instances: all.instances.map((one) => ({ ...one, running })) }
      }
      const single = failover(two, facts([old, memberFact(2)]), accepted)
      const usual = failover(three, facts([old, memberFact(2), memberFact(3, unseen)]))
      assert.deepEqual(single.steps.map(withoutRule), usual.steps.map(withoutRule))
    }),
  )
})

test('where more members are declared the parameter changes no step', () => {
  const member = (number: number) => fc.boolean().map((answers) => memberFact(number, answers ? {} : unseen))
  const published = fc.subarray(['p2', 'p3'])
  fc.assert(
    fc.property(
      member(1),
      member(2),
      member(3),
      published,
      fc.integer({ min: 0, max: 2 }),
      (a, b, c, names, count) => {
        const facts = sampleFacts({ members: [a, b, c], publishedSync: names, publishedCount: count })
        const steps = (parameters: Readonly<Record<string, string>>): unknown => {
          try {
            return failover(three, facts, parameters).steps
          } catch (error) {
            return (error as { code?: unknown }).code
          }
        }
        assert.deepEqual(steps(accepted), steps({}))
      },
    ),
  )
})

test('reprotect brings the rule back: published first, promised only when it is loaded', () => {
  const facts = sampleFacts({
    leader: 'mbr_ledger2',
    publishedSync: [],
    publishedCount: 0,
    members: [memberFact(1, { role: 'stopped', receiving: false }), memberFact(2, { role: 'primary' })],
  })
  const made = reprotect.plan({ estate: two, facts, parameters: { member: 'p1' }, mode: 'real' })
  const rule = (id: string) => {
    const { publishedSync, publishedCount, names, count } = stepOf(made, id).args
    return [publishedSync ?? names, publishedCount ?? count]
  }
  assert.deepEqual(
    [rule('publish'), rule('set-sync'), rule('publish-loaded')],
    [
      [['p1'], 0],
      [['p1'], 1],
      [['p1'], 1],
    ],
  )
})
