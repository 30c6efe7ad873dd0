import type { Lsn } from '../domain/lsn.ts'
import { beginOfDrop, dropUnderWay } from './database-drop.ts'
import type { ReadArchive } from './read-archive.ts'
import { clockOf } from './recovery-points.ts'
import { resolveTarget } from './resolve-target.ts'
import type { RecoveryTarget, ResolvedTarget } from './resolve-target.ts'
import { timelineStart } from './timeline-lineage.ts'
import { positionOf, segmentStart } from './wal-position.ts'

/** A target that lay within the drop of a database, and was moved to before it began. */
export interface AvoidedDrop {
  readonly xid: number
  /** Where replay would have stood. */
  readonly instead: Lsn
}

export interface TargetInArchive extends ResolvedTarget {
  readonly avoidedDrop?: AvoidedDrop
}

/**
 * As `resolveTarget`, and never within the drop of a database, whose files are removed before its transaction is committed: before such a
 * transaction means before it began. The end of the archive alone is taken as it is.
 */
export async function resolveInArchive(
  { archive, identity: { segmentBytes }, catalogue }: Pick<ReadArchive, 'archive' | 'identity' | 'catalogue'>,
  target: RecoveryTarget,
): Promise<TargetInArchive> {
  let resolved = resolveTarget(catalogue, target)
  if (target.kind === 'end') return resolved
  let avoidedDrop: AvoidedDrop | undefined
  for (;;) {
    const coverage = catalogue.coverage.find(({ timeline }) => timeline === resolved.timeline)
    if (coverage === undefined) break
    const reached = positionOf(resolved.reached)
    const drop = dropUnderWay(clockOf(catalogue.clock, coverage), reached)
    if (drop === undefined) break
    const covered = coverage.ranges.find(({ start, end }) => start <= drop.start && drop.start < end)
    const began = segmentStart(timelineStart(drop.timeline, coverage.lineage), segmentBytes)
    const from = Math.max(covered?.start ?? 0, began)
    const begin = await beginOfDrop(archive, drop, { segmentBytes, from })
    avoidedDrop ??= { xid: drop.xid, instead: resolved.reached }
    resolved = resolveTarget(catalogue, target, begin)
  }
  return avoidedDrop === undefined ? resolved : { ...resolved, avoidedDrop }
}
