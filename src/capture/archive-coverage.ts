import type { LedgerEntry } from './archive-ledger.ts'
import type { TimelineEnd } from './archive-end.ts'
import { lineageOf, timelineStart } from './timeline-lineage.ts'
import type { LineagePart, TimelineHistories } from './timeline-lineage.ts'
import { historyName, positionOf, segmentName } from './wal-position.ts'
import { parseLsn } from '../domain/lsn.ts'

/** WAL without a hole, from the first byte of a segment on. */
export interface CoveredRange {
  readonly start: number
  readonly end: number
}

/** Nothing after it can be replayed from before it. */
export interface ArchiveGap {
  readonly timeline: number
  readonly start: number
  readonly end: number
  /** Name of the first segment that is not there. */
  readonly firstMissing: string
  readonly missingSegments: number
}

/** What the archive holds of the history that leads to one timeline. */
export interface LineageCoverage {
  readonly timeline: number
  /** Empty when its history file is missing or damaged: nothing of it can be reached, and it is not passed over for an older one. */
  readonly lineage: readonly LineagePart[]
  readonly ranges: readonly CoveredRange[]
  readonly gaps: readonly ArchiveGap[]
}

export interface CoverageInput {
  readonly segmentBytes: number
  readonly entries: readonly LedgerEntry[]
  readonly histories: TimelineHistories
  /** How far the growing segment of each timeline goes; without it only whole segments count. */
  readonly ends?: ReadonlyMap<number, TimelineEnd>
  /** Segments that were found missing or damaged: they do not count. */
  readonly damaged?: ReadonlySet<string>
}

/** Pure over ledger and history files: what can be replayed on the way to each timeline, and what is missing in between. */
export function archiveCoverage(input: CoverageInput): readonly LineageCoverage[] {
  const held = heldSegments(input)
  const timelines = new Set([...held.keys(), ...(input.ends?.keys() ?? [])])
  return [...timelines]
    .toSorted((left, right) => left - right)
    .map((timeline) => {
      const isDamaged = input.damaged?.has(historyName(timeline)) === true
      const lineage = isDamaged ? undefined : lineageOf(timeline, input.histories)
      return lineage === undefined
        ? { timeline, lineage: [], ranges: [], gaps: [] }
        : coverageOf(timeline, lineage, held, input)
    })
}

/** Every hole on the way to any timeline, each once. */
export function gaps(input: CoverageInput): readonly ArchiveGap[] {
  const found = new Map<string, ArchiveGap>()
  for (const { gaps: ofLineage } of archiveCoverage(input))
    for (const gap of ofLineage) found.set(gap.firstMissing, gap)
  return [...found.values()].toSorted((left, right) => left.start - right.start)
}

/** By timeline: where each piece that the ledger knows starts, and where it ends. */
type Held = ReadonlyMap<number, ReadonlyMap<number, number>>

function heldSegments({ entries, damaged }: CoverageInput): Held {
  const held = new Map<number, Map<number, number>>()
  for (const entry of entries) {
    if (entry.kind !== 'segment' && entry.kind !== 'tail') continue
    const file = entry.kind === 'tail' ? `${entry.segment}.partial` : entry.segment
    if (damaged?.has(file) === true) continue
    const pieces = held.get(entry.timeline) ?? new Map<number, number>()
    const start = positionOf(parseLsn(entry.firstLsn))
    // A tail may have grown to a whole segment after all.
    pieces.set(start, Math.max(pieces.get(start) ?? 0, positionOf(parseLsn(entry.endLsn))))
    held.set(entry.timeline, pieces)
  }
  return held
}

function coverageOf(
  timeline: number,
  lineage: readonly LineagePart[],
  held: Held,
  { segmentBytes, ends }: CoverageInput,
): LineageCoverage {
  const pieces: CoveredRange[] = []
  for (const part of lineage) {
    // The segment in which a timeline began is its own from its start: it repeats what its ancestor wrote there.
    const from = floorTo(timelineStart(part.timeline, lineage), segmentBytes)
    const until = part.end
    for (const [start, end] of held.get(part.timeline) ?? []) {
      if (start < from || start >= until) continue
      pieces.push({ start, end: Math.min(end, until) })
    }
    const tail = ends?.get(part.timeline)
    if (tail === undefined) continue
    const start = Math.max(floorTo(tail.end, segmentBytes), from)
    const end = Math.min(tail.end, until)
    if (end > start) pieces.push({ start, end })
  }
  return { timeline, lineage, ...joinPieces(pieces, lineage, segmentBytes) }
}

function joinPieces(
  pieces: readonly CoveredRange[],
  lineage: readonly LineagePart[],
  segmentBytes: number,
): Pick<LineageCoverage, 'ranges' | 'gaps'> {
  const ranges: CoveredRange[] = []
  const found: ArchiveGap[] = []
  for (const piece of pieces.toSorted((left, right) => left.start - right.start || left.end - right.end)) {
    const last = ranges.at(-1)
    if (last === undefined) ranges.push({ start: piece.start, end: piece.end })
    else if (piece.start <= last.end)
      ranges[ranges.length - 1] = { ...last, end: Math.max(last.end, piece.end) }
    else {
      ranges.push({ start: piece.start, end: piece.end })
      found.push(gapBetween(last.end, piece.start, lineage, segmentBytes))
    }
  }
  return { ranges, gaps: found }
}

function gapBetween(
  start: number,
  end: number,
  lineage: readonly LineagePart[],
  segmentBytes: number,
): ArchiveGap {
  const { timeline } = lineage.find((part) => start < part.end) as LineagePart
  const first = floorTo(start, segmentBytes)
  const firstMissing = segmentName(timeline, first, segmentBytes)
  const missingSegments = Math.ceil((end - first) / segmentBytes)
  return { timeline, start, end, firstMissing, missingSegments }
}

function floorTo(position: number, unit: number): number {
  return position - (position % unit)
}
