import type { ClockMark, ResolvedPoint } from '../../ports/kept-copies.ts'
import { avoidedDropText } from './avoided-drop-text.ts'
import { microsecondText } from './clock-json.ts'
import { plainText } from './plain-text.ts'

/** What it means to recover to this point: the commits on both sides of it, and what is lost. */
export function pointText(point: ResolvedPoint): string {
  const { timeline, inclusive, lsn, reached, snapshot, before, after, undoneCommits, undoneEarlier } = point
  return [
    `recovers to ${inclusive ? 'after' : 'before'} the record at ${lsn} on timeline ${timeline}; replay then stands at ${reached}\n`,
    `  from snapshot ${plainText(snapshot)}\n`,
    ...before.map((mark) => `  kept    ${markText(mark)}\n`),
    ...after.map((mark) => `  undone  ${markText(mark)}\n`),
    `  ${lossText(point)}\n`,
    undoneEarlier === 0
      ? ''
      : `  NOTE: ${undoneEarlier} of the ${undoneCommits} undone have a time that is not after the wanted one\n`,
    avoidedDropText(point.avoidedDrop),
  ].join('')
}

function lossText({ undoneCommits, before, after, lastUndone }: ResolvedPoint): string {
  if (undoneCommits === 0 || lastUndone === undefined) return 'LOSES nothing: no commit is known behind it'
  const from = before.at(-1) ?? after[0] ?? lastUndone
  const seconds = Math.max(lastUndone.microseconds - from.microseconds, 0) / 1e6
  return `LOSES ${undoneCommits} commits, ${seconds.toFixed(3)} s: the last is ${markText(lastUndone)}`
}

function markText({ kind, xid, lsn, microseconds, name }: ClockMark): string {
  const what = kind === 'restore-point' ? JSON.stringify(plainText(name)) : `${kind} of xid ${xid}`
  return `${microsecondText(microseconds)}  ${lsn}  ${what}`
}
