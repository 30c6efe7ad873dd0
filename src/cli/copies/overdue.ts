import type { Overdue } from '../../estate/verdict.ts'
import type { TimetableStatus } from '../../server/status-wire.ts'

/** What readiness has to know of the declared times. One that is due and under way is not overdue before its time, and then says so. */
export function overdueIn(timetable: readonly TimetableStatus[], nowMs: number): readonly Overdue[] {
  return timetable.flatMap((entry): readonly Overdue[] => {
    const { component, procedure, lastMs, overdueSinceMs, isDue, start } = entry
    const what = procedure === 'backup' ? 'backup' : 'restore test'
    const why = reasonOf(entry)
    const said = { component, what, ...(why === undefined ? {} : { why }) } as const
    if (overdueSinceMs !== undefined) {
      const isLong = nowMs - overdueSinceMs > overdueSinceMs - (lastMs ?? 0)
      return [{ ...said, sinceMs: overdueSinceMs, isLong }]
    }
    // That there is no base backup at all is said where the copies are.
    const isNever = isDue && lastMs === undefined && start === 'automatic' && entry.passedOver !== undefined
    return isNever && what === 'restore test' ? [{ ...said, isLong: false }] : []
  })
}

function reasonOf({
  start,
  underWay,
  passedOver,
  lastPassedOver,
  blind,
}: TimetableStatus): string | undefined {
  if (blind !== undefined) return `the control plane can not judge it: ${blind}`
  if (start === 'manual') return 'the estate leaves it to a person'
  if (underWay !== undefined) return `${underWay} is under way`
  return passedOver ?? lastPassedOver?.reason
}
