import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleFacts, unseen, memberFact } from '../../test/support/sample-facts.ts'
import { clusterNamed } from '../estate/estate-lookup.ts'
import type { Estate } from '../estate/estate.ts'
import type { Backup } from '../estate/protection.ts'
import type { Schedule } from '../estate/schedule.ts'
import { timetable } from '../estate/timetable.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { decideScheduled } from './scheduled-decision.ts'
import type { PastRun, ScheduledDecision, ScheduledInput, SeenCopies } from './scheduled-decision.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const now = Temporal.Instant.from('2026-11-22T10:00:00Z').epochMilliseconds

const daily: Backup = {
  ...{ name: 'full', type: 'full', every: 'day', everyMs: 25 * hourMs },
  ...{ stores: ['vault'], keepMs: 14 * dayMs, keepAtLeast: 2 },
}
const weekly = { every: 'week', everyMs: 7 * dayMs + hourMs, checks: ['amcheck'] }
const declared = simulatedEstate({}, { captures: [], backups: [daily], verification: weekly })

const sunday: Schedule = {
  ...{ name: 'restore-test', procedure: 'backup-verification', mode: 'sandbox', every: 'week' },
  ...{ on: 'sunday', window: '04:00/PT6H', timeZone: 'UTC' },
}

const kept = (takenAtMs: number, ...restoredAtMs: readonly number[]) => ({ takenAtMs, restoredAtMs })

function input(changed: Partial<ScheduledInput> = {}, estate: Estate = declared): ScheduledInput {
  return {
    estate,
    cluster: clusterNamed(estate, undefined),
    entries: timetable(estate).entries,
    facts: sampleFacts(),
    nowMs: now,
    copies: { snapshots: [kept(now - hourMs, now - hourMs)] },
    runs: [],
    otherOpenRuns: [],
    ...changed,
  }
}

function begun({ start }: ScheduledDecision): string {
  return start === undefined ? 'nothing' : start.procedure
}

function passedOver(decision: ScheduledDecision, procedure = 'backup'): string {
  return decision.entries.find((entry) => entry.procedure === procedure)?.passedOver ?? ''
}

function past(procedure: string, outcome: PastRun['outcome'], openedAtMs: number): PastRun {
  return { run: 'run_1', procedure, outcome, openedAtMs, endedAtMs: openedAtMs + minuteMs }
}

test('nothing begins before it is due, and the next is said', () => {
  const decision = decideScheduled(input())
  assert.equal(begun(decision), 'nothing')
  assert.deepEqual(
    decision.entries.map(({ nextMs }) => nextMs),
    [now + 23 * hourMs, now - hourMs + 7 * dayMs],
  )
})

test('the first backup is due at once, and its restore test after it', () => {
  const copies = { snapshots: [] }
  const first = decideScheduled(input({ copies }))
  assert.equal(begun(first), 'backup')
  assert.match(passedOver(first, 'backup-verification'), /no base backup yet/)
  assert.equal(begun(decideScheduled(input({ copies: { snapshots: [kept(now)] } }))), 'backup-verification')
})

test('both are due: one begins, and the other says that it waits', () => {
  const decision = decideScheduled(input({ copies: { snapshots: [kept(now - 2 * dayMs)] } }))
  assert.equal(begun(decision), 'backup')
  assert.match(passedOver(decision, 'backup-verification'), /backup goes first/)
})

test('unknown copies are not no copies: nothing begins, and nothing is said to be well', () => {
  const decision = decideScheduled(input({ copies: undefined }))
  assert.equal(begun(decision), 'nothing')
  assert.match(passedOver(decision), /unknown is not "none"/)
})

const noCopies: SeenCopies = { snapshots: [] }
const obstacles: readonly (readonly [string, Partial<ScheduledInput>, RegExp])[] = [
  [
    'a run is open on its copies',
    { openRun: { run: 'run_9', procedure: 'backup-verification' } },
    /^run_9, a backup-verification, is open/,
  ],
  ['this process can not now', { obstacle: 'NO_SANDBOX_HOST' }, /^NO_SANDBOX_HOST$/],
  ['nobody adopted it', { facts: sampleFacts({ leader: '' }) }, /not adopted/],
  [
    'its primary is not seen',
    { facts: sampleFacts({ members: [memberFact(1, unseen), memberFact(2), memberFact(3)] }) },
    /p1 leads and is not seen/,
  ],
]
for (const [what, changed, expected] of obstacles) {
  test(`is passed over, and says so, while ${what}`, () => {
    const decision = decideScheduled(input({ copies: noCopies, ...changed }))
    assert.equal(begun(decision), 'nothing')
    assert.match(passedOver(decision), expected)
  })
}

test('while its own run is under way it is neither begun again nor passed over', () => {
  const decision = decideScheduled(
    input({ copies: noCopies, openRun: { run: 'run_9', procedure: 'backup' } }),
  )
  assert.equal(begun(decision), 'nothing')
  assert.equal(passedOver(decision), '')
  assert.equal(decision.entries[0]?.underWay, 'run_9')
})

test('where the owner wants people to approve it, a schedule is nobody', () => {
  const estate = {
    ...declared,
    approvals: [{ procedure: 'backup', required: 2, approvers: ['a', 'b', 'c'], validMs: 1 }],
  }
  const decision = decideScheduled(input({ copies: noCopies }, estate))
  assert.equal(begun(decision), 'nothing')
  assert.match(passedOver(decision), /missing-approval.* 2 people/)
})

test('a person who said manual is told when it is overdue, and nothing begins', () => {
  const estate = simulatedEstate({}, { captures: [], backups: [{ ...daily, start: 'manual' }] })
  const decision = decideScheduled(input({ copies: { snapshots: [kept(now - 2 * dayMs)] } }, estate))
  assert.equal(begun(decision), 'nothing')
  assert.equal(decision.entries[0]?.overdueSinceMs, now - 2 * dayMs + 25 * hourMs)
})

test('a failure is followed by longer and longer rests, and none is ever longer than half of the interval', () => {
  const copies = { snapshots: [kept(now - 2 * dayMs, now)] }
  const after = (count: number, restedMs: number): string => {
    const runs = Array.from({ length: count }, () => past('backup', 'failed', now - restedMs - minuteMs))
    return begun(decideScheduled(input({ copies, runs })))
  }
  assert.equal(after(1, 59_000), 'nothing')
  assert.equal(after(1, minuteMs), 'backup')
  assert.equal(after(4, 7 * minuteMs), 'nothing')
  assert.equal(after(4, 8 * minuteMs), 'backup')
  assert.equal(after(100, 59 * minuteMs), 'nothing')
  assert.equal(after(100, hourMs), 'backup')
  const runs = [past('backup', 'failed', now - 2 * minuteMs), past('backup', 'failed', now - 2 * minuteMs)]
  assert.match(
    passedOver(decideScheduled(input({ copies, runs }))),
    /2 runs in a row failed, run_1 last; .* at 2026-11-22T10:01:00Z/,
  )
})

test('one that a person cancelled is not begun again before the next is due', () => {
  const copies = { snapshots: [kept(now - 2 * dayMs, now)] }
  const cancelled = (agoMs: number): string =>
    begun(decideScheduled(input({ copies, runs: [past('backup', 'cancelled', now - agoMs)] })))
  assert.equal(cancelled(hourMs), 'nothing')
  assert.equal(cancelled(dayMs), 'backup')
})

test('a schedule begins in its window and not outside of it; what was missed is said and made up in the next', () => {
  const estate: Estate = { ...declared, schedules: [sunday] }
  const at = (text: string, restored: string): ScheduledDecision => {
    const nowMs = Temporal.Instant.from(text).epochMilliseconds
    const restoredMs = Temporal.Instant.from(restored).epochMilliseconds
    return decideScheduled(input({ nowMs, copies: { snapshots: [kept(nowMs, restoredMs)] } }, estate))
  }
  assert.equal(begun(at('2026-11-22T04:00:00Z', '2026-11-15T04:30:00Z')), 'backup-verification')
  assert.equal(begun(at('2026-11-22T03:59:59Z', '2026-11-15T04:30:00Z')), 'nothing')
  assert.equal(begun(at('2026-11-22T09:00:00Z', '2026-11-22T04:30:00Z')), 'nothing')
  const missed = at('2026-11-22T10:00:00Z', '2026-11-15T04:30:00Z')
  assert.equal(begun(missed), 'nothing')
  const [state] = missed.entries.filter(({ declaration }) => declaration === 'schedules.restore-test')
  assert.match(state?.passedOver ?? '', /its window passed/)
  assert.equal(state?.overdueSinceMs, Temporal.Instant.from('2026-11-22T04:00:00Z').epochMilliseconds)
  assert.equal(state?.nextMs, Temporal.Instant.from('2026-11-29T04:00:00Z').epochMilliseconds)
})

test('an interval beside a schedule of the same procedure begins nothing by itself: the owner said when', () => {
  const estate: Estate = { ...declared, schedules: [sunday] }
  const monday = Temporal.Instant.from('2026-11-23T12:00:00Z').epochMilliseconds
  const copies = { snapshots: [kept(monday, monday - 20 * dayMs)] }
  const decision = decideScheduled(input({ nowMs: monday, copies }, estate))
  assert.equal(begun(decision), 'nothing')
  const interval = decision.entries.find(({ start }) => start === 'schedule')
  assert.equal(interval?.overdueSinceMs, monday - 20 * dayMs + weekly.everyMs)
})

const nightly: Schedule = { name: 'nightly', procedure: 'backup', every: 'day', timeZone: 'UTC' }
const conditions: readonly (readonly [Schedule['blockedBy'], Partial<ScheduledInput>, RegExp])[] = [
  [['open-run'], { otherOpenRuns: ['run_7'] }, /^open-run: run_7$/],
  [
    ['maintenance-enabled'],
    {
      facts: {
        ...sampleFacts(),
        maintenance: { on: true, gates: [], message: '', sinceMs: 0, run: 'run_3' },
      },
    },
    /^maintenance-enabled: since run_3$/,
  ],
  [['unverified-last-copy'], { copies: { snapshots: [kept(1)] } }, /never restored/],
  [['exposure-above-objective'], { copies: { snapshots: [] } }, /nobody knows how much/],
  [
    ['exposure-above-objective'],
    { copies: { snapshots: [], exposedMs: 61_000 } },
    /more than PT1M would be lost now/,
  ],
  [
    ['exposure-above-objective'],
    { facts: sampleFacts({ publishedCount: 0 }), copies: { snapshots: [], exposedMs: 0 } },
    /commits wait for 0 standbys/,
  ],
]
for (const [blockedBy = [], changed, expected] of conditions) {
  test(`is passed over while ${blockedBy.join()} holds or is not known, and begins when it does not: ${expected.source}`, () => {
    const objectives = [
      { scenario: 'zone-loss', rpoMs: 0, rtoMs: hourMs },
      { scenario: 'corruption', rpoMs: minuteMs, rtoMs: hourMs },
    ] as const
    const estate: Estate = { ...declared, objectives, schedules: [{ ...nightly, blockedBy }] }
    const own = (decision: ScheduledDecision): string =>
      decision.entries.find(({ declaration }) => declaration === 'schedules.nightly')?.passedOver ?? ''
    assert.match(own(decideScheduled(input({ copies: noCopies, ...changed }, estate))), expected)
    const clear = { copies: { snapshots: [kept(now - 3 * dayMs, now - 3 * dayMs)], exposedMs: 1_000 } }
    assert.equal(own(decideScheduled(input(clear, estate))), '')
  })
}

/** A control plane that looks every ten minutes, whose runs take 20 minutes, beside a wall clock that somebody steps. */
class Life {
  trueMs = now
  offsetMs = 0
  readonly runs: PastRun[] = []
  readonly #estate: Estate
  #snapshots: readonly { readonly takenAtMs: number; readonly restoredAtMs: readonly number[] }[] = []

  constructor(estate: Estate) {
    this.#estate = estate
  }

  get backups(): number {
    return this.runs.filter(({ procedure }) => procedure === 'backup').length
  }

  pass(durationMs: number, isUp = true): void {
    for (const endMs = this.trueMs + durationMs; this.trueMs < endMs; this.trueMs += 10 * minuteMs) {
      if (!isUp) continue
      const nowMs = this.trueMs + this.offsetMs
      const copies = { snapshots: this.#snapshots }
      const { start } = decideScheduled(input({ nowMs, copies, runs: this.runs }, this.#estate))
      if (start === undefined) continue
      const run = past(start.procedure, 'completed', nowMs)
      this.runs.push({ ...run, endedAtMs: nowMs + 20 * minuteMs })
      // The vault's host has a clock of its own, which nobody steps.
      if (start.procedure === 'backup')
        this.#snapshots = [...this.#snapshots, kept(this.trueMs + 19 * minuteMs)]
      else {
        const { takenAtMs = 0, restoredAtMs = [] } = this.#snapshots.at(-1) ?? {}
        const tested = kept(takenAtMs, ...restoredAtMs, this.trueMs + 19 * minuteMs)
        this.#snapshots = [...this.#snapshots.slice(0, -1), tested]
      }
      this.trueMs += 20 * minuteMs
    }
  }
}

const byInterval = declared
const bySchedule: Estate = { ...declared, schedules: [nightly] }

for (const [what, estate] of [
  ['an interval', byInterval],
  ['a schedule', bySchedule],
] as const) {
  test(`by ${what} a month has a backup a day, at the same time of day, and a restore test a week`, () => {
    const life = new Life(estate)
    life.pass(30 * dayMs)
    assert.ok(life.backups === 30 || life.backups === 31, `${life.backups}`)
    assert.equal(life.runs.length - life.backups, 5)
    const times = life.runs
      .filter(({ procedure }) => procedure === 'backup')
      .map(({ openedAtMs }) => openedAtMs % dayMs)
    assert.ok(Math.max(...times.slice(2)) - Math.min(...times.slice(2)) <= 30 * minuteMs, 'it does not drift')
  })

  test(`by ${what} a control plane that was down for ten days makes up one backup`, () => {
    const life = new Life(estate)
    life.pass(2 * dayMs)
    const before = life.backups
    life.pass(10 * dayMs, false)
    life.pass(hourMs)
    assert.equal(life.backups, before + 1)
  })

  for (const stepMs of [-400, -10, -1, 1, 10, 400].map((days) => days * dayMs).concat([-hourMs, hourMs])) {
    test(`by ${what} a clock that is stepped by ${stepMs / hourMs} hours and back costs two backups at most, and delays one by no more than a period`, () => {
      const life = new Life(estate)
      life.pass(2 * dayMs)
      const before = life.backups
      life.offsetMs += stepMs
      life.pass(4 * dayMs)
      life.offsetMs -= stepMs
      life.pass(4 * dayMs)
      const made = life.backups - before
      assert.ok(made >= 6 && made <= 10, `${made} in 8 days`)
    })
  }
}

test('a host whose clock stamps the future, or the past, does not make the others come at once', () => {
  for (const aheadMs of [-1000 * dayMs, 1000 * dayMs]) {
    const copies = { snapshots: [kept(now + aheadMs, now + aheadMs)] }
    const runs = [past('backup-verification', 'completed', now), past('backup', 'completed', now - hourMs)]
    assert.equal(begun(decideScheduled(input({ copies, runs }))), 'nothing')
  }
})
