import type { TimelineEnd } from './archive-end.ts'
import type { LineagePart } from './timeline-lineage.ts'
import { segmentStart } from './wal-position.ts'

/** Where a stream has to start so that the archive goes on without a hole. */
export interface StartPosition {
  readonly timeline: number
  /** The start of a segment: what is held of it is sent again and compared. */
  readonly start: number
  readonly heldUntil: number
}

export interface ServerView {
  readonly timeline: number
  readonly flushed: number
  /** The way of the server's timeline, from its history file. */
  readonly lineage: readonly LineagePart[]
}

/**
 * The archive's newest timeline goes on where it ended, unless the server's history left it before: then the one that follows is
 * received from the segment of the fork on, and what was received beyond the fork stays. `undefined` for an archive that shares
 * nothing with the server's history, a new one for example.
 */
export function startPosition(
  ends: ReadonlyMap<number, TimelineEnd>,
  server: ServerView,
  segmentBytes: number,
): StartPosition | undefined {
  const { lineage } = server
  const newest = lineage.findLastIndex(({ timeline }) => ends.has(timeline))
  const part = lineage[newest]
  if (part === undefined) return undefined
  const heldUntil = ends.get(part.timeline)?.receivedTo ?? 0
  const next = lineage[newest + 1]
  if (next !== undefined && heldUntil >= part.end)
    return { timeline: next.timeline, start: segmentStart(part.end, segmentBytes), heldUntil: 0 }
  // A server that is behind the archive is compared from where it is.
  const from = part.timeline === server.timeline ? Math.min(heldUntil, server.flushed) : heldUntil
  return { timeline: part.timeline, start: segmentStart(from, segmentBytes), heldUntil }
}
