import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { standbyOf, systemIdentifier } from '../../test/support/memory-member.ts'
import { compareLsn, lsnFromBigint, lsnZero, parseLsn } from '../domain/lsn.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import { durableLsn, rankCandidates } from './candidate-rule.ts'
import type { Candidate } from './candidate-rule.ts'

const detached: MemberObservation = { ...standbyOf(''), endOfWal: true }

function candidate(member: string, changed: Partial<MemberObservation> = {}): Candidate {
  return { member, observation: { ...detached, ...changed } }
}

function names(candidates: readonly Candidate[]): readonly string[] {
  return rankCandidates(candidates, systemIdentifier).eligible.map(({ member }) => member)
}

const lsn = fc.bigInt({ min: 0n, max: 40n }).map(lsnFromBigint)
const observation = fc.record(
  {
    role: fc.constantFrom('standby', 'standby', 'standby', 'primary', 'stopped', 'unknown', 'starting'),
    systemIdentifier: fc.constantFrom(systemIdentifier, systemIdentifier, systemIdentifier, '99'),
    timeline: fc.integer({ min: 1, max: 3 }),
    receivedLsn: lsn,
    replayedLsn: lsn,
    upstream: fc.constantFrom('', '', '', '10.0.0.1:5432'),
    receiving: fc.constantFrom(false, false, false, true),
    endOfWal: fc.constantFrom(true, true, false),
  },
  { requiredKeys: ['role', 'timeline', 'upstream'] },
)
const candidates = fc
  .array(observation, { maxLength: 6 })
  .map((seen) => seen.map((one, index): Candidate => ({ member: `p${index}`, observation: one })))

test('nobody that is eligible holds more than the one in front', () => {
  fc.assert(
    fc.property(candidates, (all) => {
      const { eligible } = rankCandidates(all, systemIdentifier)
      for (const [index, { observation: behind }] of eligible.entries()) {
        const { observation: front } = eligible[index - 1] ?? { observation: behind }
        const byTimeline = (front.timeline ?? 0) - (behind.timeline ?? 0)
        assert.ok(
          byTimeline > 0 || (byTimeline === 0 && compareLsn(durableLsn(front), durableLsn(behind)) >= 0),
        )
      }
    }),
  )
})

test('everybody is either eligible or refused with a reason', () => {
  fc.assert(
    fc.property(candidates, (all) => {
      const { eligible, refused } = rankCandidates(all, systemIdentifier)
      const judged = [...eligible, ...refused].map(({ member }) => member)
      assert.deepEqual(judged.toSorted(), all.map(({ member }) => member).toSorted())
      assert.ok(refused.every(({ reason }) => reason !== ''))
    }),
  )
})

test('nobody is eligible who can still acknowledge to the old primary, or is of another lineage', () => {
  fc.assert(
    fc.property(candidates, (all) => {
      for (const { observation: seen } of rankCandidates(all, systemIdentifier).eligible) {
        assert.equal(seen.role, 'standby')
        assert.equal(seen.upstream, '')
        assert.equal(seen.receiving, false)
        assert.equal(seen.systemIdentifier, systemIdentifier)
      }
    }),
  )
})

test('ties keep the order in which they were given, and nothing else does', () => {
  assert.deepEqual(names([candidate('b'), candidate('a'), candidate('c')]), ['b', 'a', 'c'])
  fc.assert(
    fc.property(candidates, fc.nat(), (all, shift) => {
      const turned = [...all.slice(shift % (all.length + 1)), ...all.slice(0, shift % (all.length + 1))]
      const held = (order: readonly Candidate[]) =>
        rankCandidates(order, systemIdentifier).eligible.map(({ observation: seen }) => [
          seen.timeline,
          durableLsn(seen),
        ])
      assert.deepEqual(held(turned), held(all))
    }),
  )
})

test('a standby that is behind, on an older timeline, or has paused its replay ranks last (T12)', () => {
  const stale = candidate('stale', { receivedLsn: parseLsn('0/10'), replayedLsn: parseLsn('0/10') })
  const older = candidate('older', { timeline: 1, receivedLsn: parseLsn('9/0') })
  const newer = candidate('newer', {
    timeline: 2,
    receivedLsn: parseLsn('0/20'),
    replayedLsn: parseLsn('0/20'),
  })
  const paused = candidate('paused', {
    timeline: 2,
    receivedLsn: parseLsn('0/30'),
    replayedLsn: parseLsn('0/5'),
  })
  assert.deepEqual(names([stale, older, newer, paused]), ['paused', 'newer', 'older', 'stale'])
})

test('what was received and what was replayed both count, whichever is more', () => {
  assert.equal(
    durableLsn({ role: 'standby', receivedLsn: parseLsn('0/5'), replayedLsn: parseLsn('0/9') }),
    '0/9',
  )
  assert.equal(durableLsn({ role: 'standby', receivedLsn: parseLsn('1/0') }), '1/0')
  assert.equal(durableLsn({ role: 'standby' }), lsnZero)
})

test('a member that holds no position is no candidate', () => {
  const { receivedLsn: _, replayedLsn: __, ...empty } = detached
  assert.deepEqual(names([{ member: 'a', observation: empty }]), [])
})

test('a restarted standby is judged only when it has replayed all that it holds', () => {
  const { receivedLsn: _, ...restarted } = detached
  const behind: MemberObservation = { ...restarted, endOfWal: false }
  assert.deepEqual(names([{ member: 'a', observation: behind }]), [])
  assert.deepEqual(names([{ member: 'a', observation: { ...behind, endOfWal: true } }]), ['a'])
})
