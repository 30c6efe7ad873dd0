import type { LineageCoverage } from '../capture/archive-coverage.ts'
import { countCommits, firstEntry, hasNoCommit, lastEntry } from '../capture/clock-history.ts'
import type { CommitCount } from '../capture/clock-history.ts'
import { isCommit } from '../capture/commit-clock.ts'
import type { ClockEntry } from '../capture/commit-clock.ts'
import { usableBackups } from '../capture/recovery-points.ts'
import type { RecoveryCatalogue } from '../capture/recovery-points.ts'
import type { LineagePart } from '../capture/timeline-lineage.ts'
import { lsnOf, positionOf } from '../capture/wal-position.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RecoveryGoal } from '../ports/database-recovery.ts'

/** What copies say about a goal now. Positions are byte offsets. */
export interface GoalStanding {
  /**
   * The goal, on the timeline whose WAL holds it: a history that leads further also leads there, but a new timeline has to leave the one
   * that is really left (PostgreSQL writes the wrong parent otherwise).
   */
  readonly goal: RecoveryGoal
  readonly coverage: LineageCoverage
  /** The way to the goal. */
  readonly lineage: readonly LineagePart[]
  /** WAL is needed from here, in front of the snapshot's end … */
  readonly from: number
  /** … to here: the record that recovery stops at is whole. */
  readonly until: number
  /** The last commit that is in, and the first that is not, on the way to the goal. */
  readonly lastIn: ClockEntry | undefined
  readonly firstOut: ClockEntry | undefined
  /** Committed transactions of the newest history that the goal does not hold, and where that history leaves it. */
  readonly undone: CommitCount
  readonly undoneFrom: number
  readonly newest: LineageCoverage
}

/** Whether the goal can be reached from its snapshot, and what lies around it. TARGET_UNREACHABLE (refused) when not. */
export async function goalStanding(catalogue: RecoveryCatalogue, goal: RecoveryGoal): Promise<GoalStanding> {
  const coverage = catalogue.coverage.find(({ timeline }) => timeline === goal.timeline)
  const newest = catalogue.coverage.at(-1)
  if (coverage === undefined || newest === undefined)
    throw unreachable(goal, `the archive has no history of timeline ${goal.timeline}`)
  const backup = usableBackups(catalogue.backups, coverage).find(({ id }) => id === goal.snapshot)
  if (backup === undefined)
    throw unreachable(goal, `the vault has no usable snapshot ${goal.snapshot} of that history`)
  const reached = positionOf(goal.reached)
  if (positionOf(backup.endLsn) > reached)
    throw unreachable(goal, `${goal.snapshot} is consistent only from ${backup.endLsn} on`)
  const { clock } = catalogue
  const firstOut = await firstEntry(clock, coverage.lineage, isCommit, { from: reached, passes: hasNoCommit })
  const stopsAt = firstOut?.start === positionOf(goal.lsn) ? firstOut.end : reached + (goal.inclusive ? 0 : 1)
  const until = Math.max(stopsAt, reached)
  const from = positionOf(backup.startLsn)
  const range = coverage.ranges.find(({ start, end }) => start <= from && from <= end)
  if (range === undefined || range.end < until)
    throw unreachable(goal, `WAL is missing or damaged behind ${lsnOf(range?.end ?? from)}`)
  const undoneFrom = leavesAt(newest, coverage, reached)
  const undone = await countCommits(clock, newest.lineage, undoneFrom)
  const lastIn = await lastEntry(clock, coverage.lineage, isCommit, { until: reached, passes: hasNoCommit })
  const owner = coverage.lineage.findIndex(({ end }) => reached <= end)
  const lineage = coverage.lineage.slice(0, owner + 1)
  const owned = { ...goal, timeline: lineage.at(-1)?.timeline ?? goal.timeline }
  return { goal: owned, coverage, lineage, from, until, lastIn, firstOut, undone, undoneFrom, newest }
}

/** Where the newest history goes on without the goal: at the goal itself, or where the two branched before. */
function leavesAt(newest: LineageCoverage, coverage: LineageCoverage, reached: number): number {
  let shared = 0
  for (const [index, part] of coverage.lineage.entries()) {
    const other = newest.lineage[index]
    if (other?.timeline !== part.timeline) break
    shared = Math.min(part.end, other.end)
  }
  return Math.min(reached, shared)
}

function unreachable({ lsn }: RecoveryGoal, why: string): RecoveryError {
  return new RecoveryError({
    code: 'TARGET_UNREACHABLE',
    class: 'refused',
    message: `${lsn} can not be reached any more: ${why}`,
    hint: 'see what can be: `pointzero points`, then make a new plan with `pointzero plan point-in-time-recovery`',
  })
}
