import assert from 'node:assert/strict'
import { test } from 'node:test'
import { revocationsNeeded } from './leader-record.ts'
import { coveringRule, covers, membersPart, waitsForEach, withCaptures } from './synchronous-rule.ts'
import type { SynchronousRule } from './synchronous-rule.ts'

/** Four names, each a member or a capture, in every rule that can be made of them. */
const all = ['a', 'b', 'c', 'd']

function subsets<T>(of: readonly T[]): readonly (readonly T[])[] {
  return of.reduce<readonly (readonly T[])[]>(
    (found, one) => [...found, ...found.map((set) => [...set, one])],
    [[]],
  )
}

interface Case {
  readonly rule: SynchronousRule
  /** Of its names those that are captures; the others are members. */
  readonly captures: ReadonlySet<string>
}

const cases: readonly Case[] = subsets(all).flatMap((names) =>
  subsets(names).flatMap((captures) =>
    names.map((_, index) => ({ rule: { names, count: index + 1 }, captures: new Set(captures) })),
  ),
)

/** Sets that can have acknowledged one commit. */
function acknowledging({ names, count }: SynchronousRule): readonly (readonly string[])[] {
  return subsets(names).filter((set) => set.length >= count)
}

/** What a failover may go on with: so many of the named members, never a capture. */
function revocable({ rule, captures }: Case): readonly (readonly string[])[] {
  const needed = revocationsNeeded(rule.names.length, rule.count)
  const members = rule.names.filter((name) => !captures.has(name))
  return subsets(members).filter((set) => set.length >= needed)
}

test('whatever members a failover may revoke, one of them holds every commit that was acknowledged, and the others can confirm none', () => {
  let looked = 0
  for (const one of cases) {
    for (const revoked of revocable(one)) {
      const left = one.rule.names.filter((name) => !revoked.includes(name))
      assert.ok(left.length < one.rule.count, `${JSON.stringify(one.rule)}: ${left.join()} can confirm`)
      for (const set of acknowledging(one.rule)) {
        looked += 1
        assert.ok(set.some((name) => revoked.includes(name)))
      }
    }
  }
  assert.ok(looked > 500, `${looked} commits`)
})

test('one member fewer would not do: a commit that none of them holds, or that the others still confirm', () => {
  for (const one of cases) {
    const needed = revocationsNeeded(one.rule.names.length, one.rule.count)
    for (const revoked of subsets(one.rule.names.filter((name) => !one.captures.has(name)))) {
      if (revoked.length !== needed - 1) continue
      assert.ok(acknowledging(one.rule).some((set) => !set.some((name) => revoked.includes(name))))
    }
  }
})

test('a rule that captures alone can meet is never failed over from', () => {
  for (const one of cases) {
    const isPromotable = revocable(one).length > 0
    assert.equal(isPromotable, membersPart(one.rule, one.captures).count >= 1, JSON.stringify(one.rule))
  }
})

test('naming a capture leaves the members as many commits to hold as before, and the failover as many to revoke', () => {
  for (const { rule, captures } of cases) {
    if (captures.size > 0) continue
    const named = withCaptures(rule, ['wal'])
    assert.deepEqual(membersPart(named, new Set(['wal'])), rule)
    assert.equal(
      revocationsNeeded(named.names.length, named.count),
      revocationsNeeded(rule.names.length, rule.count),
    )
  }
})

test('the archive holds every acknowledged commit exactly where every name is waited for', () => {
  for (const { rule, captures } of cases) {
    for (const capture of captures) {
      const isInAll = acknowledging(rule).every((set) => set.includes(capture))
      assert.equal(isInAll, waitsForEach(rule))
    }
  }
})

test('what is published between two rules is right about both: failovers revoke enough, no archive is believed too much', () => {
  let looked = 0
  const captures = new Set(['c', 'd'])
  const rules = cases.filter((one) => one.captures.size === 0).map(({ rule }) => rule)
  const withNobody = [{ names: [], count: 0 }, ...rules]
  for (const before of withNobody) {
    for (const after of withNobody) {
      const published = coveringRule(before, after, captures)
      for (const loaded of [before, after]) {
        looked += 1
        const what = JSON.stringify({ published, loaded })
        assert.ok(covers(published, loaded, captures), what)
        for (const revoked of revocable({ rule: published, captures })) {
          // Nobody is waited for: an asynchronous primary is fenced by other means, and nothing promises that nothing is lost.
          if (loaded.names.length === 0 || published.names.length === 0) continue
          for (const set of acknowledging(loaded))
            assert.ok(
              set.some((name) => revoked.includes(name)),
              what,
            )
        }
        const believed = waitsForEach(published) ? published.names.filter((name) => captures.has(name)) : []
        for (const set of loaded.names.length === 0 ? [] : acknowledging(loaded))
          assert.ok(
            believed.every((capture) => set.includes(capture)),
            what,
          )
      }
    }
  }
  assert.ok(looked > 1_000, `${looked} rules`)
})

test('a rule covers itself, and not one with another member or that waits for fewer of them', () => {
  const captures = new Set(['wal'])
  const any = (count: number, ...names: readonly string[]): SynchronousRule => ({ names, count })
  assert.ok(covers(any(2, 's1', 's2', 'wal'), any(2, 's1', 's2', 'wal'), captures))
  assert.ok(covers(any(1, 's1', 's2'), any(2, 's1', 's2', 'wal'), captures), 'loaded before it is published')
  assert.ok(!covers(any(1, 's1'), any(2, 's1', 's2', 'wal'), captures))
  assert.ok(!covers(any(2, 's1', 's2', 'wal'), any(1, 's1', 's2', 'wal'), captures))
  assert.ok(!covers(any(3, 's1', 's2', 'wal'), any(2, 's1', 's2'), captures), 'an archive that may lack some')
})
