import { compareLsn, parseLsn } from '../../domain/lsn.ts'
import type { Lsn } from '../../domain/lsn.ts'

/** Up to `end` the WAL of `timeline` belongs to the history; from there on another timeline does. */
export interface TimelineEnd {
  readonly timeline: number
  readonly end: Lsn
}

/** A point in WAL that a server has reached, and how it came there. */
export interface WalPosition {
  readonly timeline: number
  readonly lsn: Lsn
}

/** Reads a `.history` file: the ancestors of its timeline, oldest first. Comments and blank lines are nothing. */
export function parseTimelineHistory(text: string): readonly TimelineEnd[] {
  return text.split('\n').flatMap((row) => {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(row)
    return match === null ? [] : [{ timeline: Number(match[1]), end: parseLsn(match[2] as string) }]
  })
}

export function timelineHistoryFile(timeline: number): string {
  return `${timelineHex(timeline)}.history`
}

export function timelineHex(timeline: number): string {
  return timeline.toString(16).toUpperCase().padStart(8, '0')
}

/**
 * Why a copy that stands at `own` can not simply stream from a server at `upstream`; `undefined` when it can: all its WAL is
 * part of the upstream's history.
 */
export function divergence(
  own: WalPosition,
  upstream: WalPosition,
  ancestors: readonly TimelineEnd[],
): string | undefined {
  if (own.timeline === upstream.timeline) {
    if (compareLsn(own.lsn, upstream.lsn) <= 0) return undefined
    return `it is ahead of its upstream on timeline ${own.timeline}: ${own.lsn} > ${upstream.lsn}`
  }
  const fork = ancestors.find(({ timeline }) => timeline === own.timeline)
  if (fork === undefined) return `timeline ${own.timeline} is no ancestor of timeline ${upstream.timeline}`
  if (compareLsn(own.lsn, fork.end) <= 0) return undefined
  return `it went on to ${own.lsn} on timeline ${own.timeline}, which ends at ${fork.end} for the upstream`
}

/**
 * The last point that two histories share by their numbers: each is given oldest first, and ends with where its server stands.
 * `undefined` when they share nothing, or begin differently.
 */
export function commonPoint(
  own: readonly TimelineEnd[],
  upstream: readonly TimelineEnd[],
): WalPosition | undefined {
  let common: WalPosition | undefined
  for (const [index, mine] of own.entries()) {
    const theirs = upstream[index]
    if (theirs?.timeline !== mine.timeline) return common
    const lsn = compareLsn(mine.end, theirs.end) <= 0 ? mine.end : theirs.end
    common = { timeline: mine.timeline, lsn }
    if (mine.end !== theirs.end) return common
  }
  return common
}
