import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatedEstate } from '../../simulation/simulated-estate.ts'
import type { TimetableStatus } from '../../server/status-wire.ts'
import { timetable } from '../../estate/timetable.ts'
import { paintFor } from './paint.ts'
import { declaredTimesText, timetableText } from './timetable-text.ts'

const drill = { name: 'drill', procedure: 'zone-failover', every: 'month', timeZone: 'UTC' } as const
const estate = { ...simulatedEstate(), schedules: [drill] }
const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds
const entry: TimetableStatus = {
  ...{ declaration: 'components.ledger.protection.backups.daily', component: 'cmp_ledger' },
  ...{ procedure: 'backup', start: 'automatic', every: 'day', isDue: false },
  lastMs: at('2026-11-21T02:00:00Z'),
  nextMs: at('2026-11-22T02:00:00Z'),
}

function shown(change: Partial<TimetableStatus> = {}): string {
  return timetableText(estate, [{ ...entry, ...change }], paintFor({ hasColour: false }))
}

test('status shows when the last backup was and when the next one comes', () => {
  assert.match(shown(), /^ledger +backup +day +2026-11-21T02:00:00Z +2026-11-22T02:00:00Z /m)
  assert.match(shown({ isDue: true }), / due now /)
  assert.match(shown({ isDue: true, underWay: 'run_1' }), / run_1 is under way /)
  assert.match(shown({ isDue: true, start: 'manual' }), / due now, by a person /)
  const { nextMs: _, ...unknown } = entry
  assert.match(timetableText(estate, [unknown], paintFor({ hasColour: false })), / unknown /)
})

test('what was passed over says why, now and afterwards, and what can not be judged is no silence', () => {
  const why = shown({ isDue: true, passedOver: 'maintenance-enabled: since run_3' })
  assert.match(why, / due now, passed over /)
  assert.match(why, /PASSED OVER .* of ledger: maintenance-enabled: since run_3/)
  const past = (text: string) => shown({ lastPassedOver: { atMs: at(text), reason: 'run_9 is open' } })
  assert.match(past('2026-11-21T03:00:00Z'), /last passed over 2026-11-21T03:00:00Z: .*run_9 is open/)
  assert.doesNotMatch(past('2026-11-21T01:00:00Z'), /run_9/)
  assert.match(shown({ blind: 'BUG: x' }), /NOT JUDGED .*BUG: x/)
})

test('a drill that is declared is said not to be executed, in status and in check', () => {
  const line = /NOT EXECUTED schedules\.drill: this version starts no zone-failover by schedule/
  assert.match(shown(), line)
  const checked = declaredTimesText(timetable(estate), estate)
  assert.match(checked, line)
  assert.match(checked, /backups\.daily: backup of ledger, by a person/)
})
