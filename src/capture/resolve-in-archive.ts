import type { AvoidedDrop } from '../ports/kept-copies.ts'
import { beginOfDrop } from './database-drop.ts'
import type { ReadArchive } from './read-archive.ts'
import { resolveTarget } from './resolve-target.ts'
import type { RecoveryTarget, ResolvedTarget } from './resolve-target.ts'
import { timelineStart } from './timeline-lineage.ts'
import { segmentStart } from './wal-position.ts'

export interface TargetInArchive extends Omit<ResolvedTarget, 'dropUnderWay'> {
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
  let found = await resolveTarget(catalogue, target)
  let avoidedDrop: AvoidedDrop | undefined
  while (found.dropUnderWay !== undefined && target.kind !== 'end') {
    const { dropUnderWay: drop, timeline, reached } = found
    const coverage = catalogue.coverage.find((one) => one.timeline === timeline)
    if (coverage === undefined) break
    const covered = coverage.ranges.find(({ start, end }) => start <= drop.start && drop.start < end)
    const began = segmentStart(timelineStart(drop.timeline, coverage.lineage), segmentBytes)
    const from = Math.max(covered?.start ?? 0, began)
    const begin = await beginOfDrop(archive, drop, { segmentBytes, from })
    avoidedDrop ??= { xid: drop.xid, instead: reached }
    found = await resolveTarget(catalogue, target, begin)
  }
  const { dropUnderWay: _drop, ...resolved } = found
  return avoidedDrop === undefined ? resolved : { ...resolved, avoidedDrop }
}
