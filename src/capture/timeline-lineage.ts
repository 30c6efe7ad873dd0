import { parseLsn } from '../domain/lsn.ts'
import { positionOf } from './wal-position.ts'

/** A stretch of the history of one timeline: `timeline` counts up to `end`, then the next one does. */
export interface LineagePart {
  readonly timeline: number
  /** Infinity for the timeline itself. */
  readonly end: number
}

/** What every timeline above 1 says about its ancestors: the content of its history file, verbatim. */
export type TimelineHistories = ReadonlyMap<number, string>

/** The ancestors in a history file, oldest first. Comments and blank lines are nothing. */
export function parseHistory(text: string): readonly LineagePart[] {
  return text.split('\n').flatMap((row) => {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(row)
    return match === null
      ? []
      : [{ timeline: Number(match[1]), end: positionOf(parseLsn(match[2] as string)) }]
  })
}

/** The way from the beginning to `timeline`; `undefined` when its history file is not there. */
export function lineageOf(
  timeline: number,
  histories: TimelineHistories,
): readonly LineagePart[] | undefined {
  const own = { timeline, end: Number.POSITIVE_INFINITY }
  if (timeline === 1) return [own]
  const text = histories.get(timeline)
  return text === undefined ? undefined : [...parseHistory(text), own]
}

/** Where a timeline began; 0 for the first. */
export function timelineStart(timeline: number, lineage: readonly LineagePart[]): number {
  const index = lineage.findIndex((part) => part.timeline === timeline)
  return lineage[index - 1]?.end ?? 0
}
