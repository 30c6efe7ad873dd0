import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clockOf, writtenClock } from '../../test/support/clock-entries.ts'
import { countCommits, firstEntry, lastEntry } from './clock-history.ts'
import { isCommit } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'
import type { LineagePart } from './timeline-lineage.ts'

const logBytes = 2 ** 32

interface Histories {
  readonly entries: readonly ClockEntry[]
  readonly lineage: readonly LineagePart[]
}

/** Up to three timelines, each goes on from somewhere in the one before; the older ones wrote more than was taken over. */
const histories = fc
  .array(
    fc.record({
      kinds: fc.array(fc.constantFrom('commit', 'abort', 'commit-prepared', 'alive', 'restore-point'), {
        minLength: 1,
        maxLength: 8,
      }),
      gaps: fc.array(fc.constantFrom(8, 64, logBytes / 2, logBytes * 3), { minLength: 8, maxLength: 8 }),
      leaves: fc.nat(8),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((timelines): Histories => {
    const entries: ClockEntry[] = []
    const lineage: LineagePart[] = []
    let start = 1000
    for (const [index, { kinds, gaps, leaves }] of timelines.entries()) {
      const timeline = index + 1
      const own = kinds.map((kind, at): ClockEntry => {
        start += gaps[at] as number
        const end = kind === 'alive' ? start : start + 8
        const timeMicroseconds = (start * 7919) % 1000
        const kindOf = kind as ClockEntry['kind']
        return {
          kind: kindOf,
          timeline,
          start,
          end,
          xid: at,
          timeMicroseconds,
          subtransactions: [],
          name: '',
        }
      })
      entries.push(...own)
      const isLast = timeline === timelines.length
      const end = isLast ? Number.POSITIVE_INFINITY : (own[leaves % own.length]?.start ?? start)
      lineage.push({ timeline, end })
      start = Math.min(end, start)
    }
    return { entries, lineage }
  })

/** All of one history at once, as it is defined. */
function plainHistory({ entries, lineage }: Histories): readonly ClockEntry[] {
  return lineage.flatMap(({ timeline, end }) =>
    entries.filter(
      (entry) =>
        entry.timeline === timeline && (entry.start < end || (entry.kind === 'alive' && entry.start === end)),
    ),
  )
}

test('whatever is asked of a history says what all its entries at once would say', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(40), async (some, pick) => {
      const clock = await writtenClock(some.entries)
      const all = plainHistory(some)
      assert.deepEqual(await clockOf(clock, some), all)
      const at = (some.entries[pick % some.entries.length]?.start ?? 0) + (pick % 2)
      const commits = all.filter(isCommit)
      const { lineage } = some
      assert.deepEqual(
        await firstEntry(clock, lineage, isCommit, { from: at }),
        commits.find(({ start }) => start >= at),
      )
      assert.deepEqual(
        await lastEntry(clock, lineage, isCommit, { until: at }),
        commits.findLast(({ start }) => start < at),
      )
      assert.deepEqual(await lastEntry(clock, lineage, () => true), all.at(-1))
      const until = at + logBytes
      const counted = commits.filter(({ start }) => start >= at && start < until)
      assert.deepEqual(await countCommits(clock, lineage, at, until), {
        commits: counted.length,
        ...(counted.length === 0
          ? {}
          : {
              firstMicroseconds: counted[0]?.timeMicroseconds,
              lastMicroseconds: counted.at(-1)?.timeMicroseconds,
            }),
      })
    }),
    { numRuns: 500 },
  )
})
