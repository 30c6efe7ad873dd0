import { instantText } from '../../domain/instant.ts'
import type { Estate } from '../../estate/estate.ts'
import { timetable } from '../../estate/timetable.ts'
import type { Timetable } from '../../estate/timetable.ts'
import type { TimetableStatus } from '../../server/status-wire.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'
import { textTable } from './text-table.ts'

/** What comes next by itself, what was passed over and why, and what is declared and never comes. */
export function timetableText(estate: Estate, shown: readonly TimetableStatus[], paint: Paint): string {
  const rows = shown.map((entry) => [
    nameOf(estate, entry.component),
    entry.procedure,
    entry.every,
    entry.lastMs === undefined ? 'never' : instantText(entry.lastMs),
    nextText(entry),
    entry.declaration,
  ])
  const table =
    rows.length === 0
      ? ''
      : textTable(['TIMES OF', 'PROCEDURE', 'EVERY', 'LAST', 'NEXT', 'DECLARED IN'], rows)
  const notes = shown.map((entry) => noteText(estate, entry, paint))
  const unkept = timetable(estate).notExecuted.map(
    ({ declaration, why }) => `  ${paint('yellow', 'NOT EXECUTED')} ${declaration}: ${plainText(why)}\n`,
  )
  const text = [table, ...notes, ...unkept].join('')
  return text === '' ? '' : `${text}\n`
}

function nextText({ start, nextMs, isDue, underWay, passedOver, blind }: TimetableStatus): string {
  if (blind !== undefined || nextMs === undefined) return 'unknown'
  if (underWay !== undefined) return `${underWay} is under way`
  const due = isDue ? 'due now' : instantText(nextMs)
  if (start === 'manual') return `${due}, by a person`
  if (start === 'schedule') return 'when its schedule says'
  return isDue && passedOver !== undefined ? 'due now, passed over' : due
}

function noteText(estate: Estate, entry: TimetableStatus, paint: Paint): string {
  const { passedOver, lastPassedOver, declaration, component, blind } = entry
  const what = `${declaration} of ${nameOf(estate, component)}`
  if (blind !== undefined)
    return `  ${paint('red', 'NOT JUDGED')} ${what}: ${plainText(blind)}; see \`schedule-not-judged\` in the log of \`pointzero serve\`\n`
  if (passedOver !== undefined)
    return `  ${paint('yellow', 'PASSED OVER')} ${what}: ${plainText(passedOver)}\n`
  // What was done since then needs no reason any more.
  if (lastPassedOver === undefined || (entry.lastMs ?? 0) >= lastPassedOver.atMs) return ''
  return `  last passed over ${instantText(lastPassedOver.atMs)}: ${what}: ${plainText(lastPassedOver.reason)}\n`
}

/** Before anything runs: what the control plane would do by itself, and what stays a declaration. */
export function declaredTimesText({ entries, notExecuted }: Timetable, estate: Estate): string {
  const kept = entries.map(({ declaration, component, procedure, start }) => {
    const who = { automatic: 'by itself', manual: 'by a person', schedule: 'when its schedule says' }[start]
    return `${plainText(declaration)}: ${procedure} of ${nameOf(estate, component)}, ${who}\n`
  })
  const unkept = notExecuted.map(
    ({ declaration, why }) => `NOT EXECUTED ${plainText(declaration)}: ${plainText(why)}\n`,
  )
  return [...kept, ...unkept].join('')
}

function nameOf({ components }: Estate, id: string): string {
  return plainText(components.find((component) => component.id === id)?.name ?? id)
}
