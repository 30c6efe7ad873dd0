import { parseDurationMs } from './duration.ts'
import type { Schedule } from './schedule.ts'

/** One occasion that a schedule names. Wall ms; it may begin from `opensMs` on, and not any more at `closesMs`. */
export interface Firing {
  readonly opensMs: number
  readonly closesMs: number
}

export interface Firings {
  /** The newest one that has opened. */
  readonly current: Firing
  readonly next: Firing
}

type Calendar = Pick<Schedule, 'every' | 'on' | 'window' | 'timeZone'>

/**
 * One firing a period, whatever clocks do: a local time that a clock change skips opens at the first valid instant after it, one that happens
 * twice opens at the first. Without a window a firing is good until the next one opens. Pure.
 */
export function firingsAt(schedule: Calendar, nowMs: number): Firings {
  const local = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(schedule.timeZone)
  const openings =
    schedule.every === 'hour'
      ? [0, 1, 2].map((hours) => startOfHour(local).add({ hours }).epochMilliseconds)
      : [-1, 0, 1, 2].map((periods) => opening(schedule, local.toPlainDate(), periods))
  const index = openings.findLastIndex((opensMs) => opensMs <= nowMs)
  const [current = 0, next = 0, afterMs = 0] = openings.slice(index)
  return { current: firing(schedule, current, next), next: firing(schedule, next, afterMs) }
}

function firing({ window }: Calendar, opensMs: number, nextMs: number): Firing {
  const length = window?.split('/')[1] ?? ''
  return { opensMs, closesMs: window === undefined ? nextMs : opensMs + (parseDurationMs(length) ?? 0) }
}

/** Elapsed hours: on the day on which an hour happens twice it fires in both, as two hours pass. */
function startOfHour(local: Temporal.ZonedDateTime): Temporal.ZonedDateTime {
  return local.round({ smallestUnit: 'hour', roundingMode: 'floor' })
}

/** Of the period that lies `periods` after the one of that day. */
function opening(
  { every, on, window, timeZone }: Calendar,
  today: Temporal.PlainDate,
  periods: number,
): number {
  const plainTime = window?.split('/')[0] ?? '00:00'
  return dayOf(every, on, today, periods).toZonedDateTime({ timeZone, plainTime }).epochMilliseconds
}

const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

/** Without `on` it is the first day of the period; a week begins on Monday. */
function dayOf(
  every: Calendar['every'],
  on: string | undefined,
  today: Temporal.PlainDate,
  periods: number,
): Temporal.PlainDate {
  if (every === 'week') {
    const monday = today.subtract({ days: today.dayOfWeek - 1 }).add({ weeks: periods })
    return monday.add({ days: Math.max(0, weekdays.indexOf(on ?? 'monday')) })
  }
  if (every !== 'month' && every !== 'quarter') return today.add({ days: periods })
  const months = every === 'month' ? 1 : 3
  const first = today.with({ day: 1 }).subtract({ months: (today.month - 1) % months })
  return dayFrom(first.add({ months: periods * months }), months, on)
}

/** `day 15`, `first tuesday`, `last friday` of so many months from their first day on. */
function dayFrom(first: Temporal.PlainDate, months: number, on = 'day 1'): Temporal.PlainDate {
  const [which = '', name = ''] = on.split(' ')
  if (which === 'day') return first.add({ days: Number(name) - 1 })
  const weekday = weekdays.indexOf(name) + 1
  if (which === 'last') {
    const end = first.add({ months }).subtract({ days: 1 })
    return end.subtract({ days: (end.dayOfWeek - weekday + 7) % 7 })
  }
  const weeks = ['first', 'second', 'third', 'fourth'].indexOf(which)
  return first.add({ days: ((weekday - first.dayOfWeek + 7) % 7) + 7 * weeks })
}
