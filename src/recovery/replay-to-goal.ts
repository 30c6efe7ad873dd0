import { lsnOf, positionOf } from '../capture/wal-position.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { Clock } from '../ports/clock.ts'
import type { RecoveryGoal, StageReport } from '../ports/database-recovery.ts'
import type { IsolatedDatabase, IsolatedStanding } from '../ports/isolated-database.ts'
import type { Log } from '../ports/log.ts'
import type { GoalStanding } from './goal-standing.ts'

export interface ReplaySetting {
  readonly standing: GoalStanding
  readonly isolated: IsolatedDatabase
  readonly clock: Clock
  readonly log: Log
}

const askEveryMs = 50
const sayEveryMs = 5_000
const walPageBytes = 8192
const pageHeaderBytes: readonly number[] = [24, 40]

/**
 * Until the server stands at the goal and says so itself: paused, still in recovery, its replay LSN and timeline those of the plan, the last
 * commit in and the first one out. That it started, answers or ended proves nothing (T02, T03, T05).
 */
export async function replayToGoal(run: string, setting: ReplaySetting): Promise<StageReport> {
  const { isolated, clock, log, standing } = setting
  const { goal } = standing
  let saidMs = clock.monotonicMs()
  let ends = 0
  for (;;) {
    const seen = await isolated.standing(run, goal)
    if (seen !== undefined) {
      if (!seen.isRecovering) throw notPaused(goal, seen)
      if (seen.isPaused) return await proved(run, seen, setting)
      // Seen twice: between two records it may look the same.
      ends = seen.atEndOfWal ? ends + 1 : 0
      if (ends >= 5) throw walEnds(goal, seen)
      if (clock.monotonicMs() - saidMs > sayEveryMs) {
        saidMs = clock.monotonicMs()
        const doneBytes = positionOf(seen.replayedLsn) - standing.from
        log.info('recovery-replaying', { run, doneBytes, totalBytes: standing.until - standing.from })
      }
    }
    await clock.sleep(askEveryMs)
  }
}

async function proved(
  run: string,
  seen: IsolatedStanding,
  { standing, isolated }: ReplaySetting,
): Promise<StageReport> {
  const { timeline, replayedLsn } = seen
  const { goal } = standing
  if (timeline !== goal.timeline) throw elsewhere(goal, `on timeline ${timeline}`)
  if (!isSamePlace(replayedLsn, goal.reached)) throw elsewhere(goal, `at ${replayedLsn}`)
  const { lastIn, firstOut } = standing
  const holds = async (xid: number | undefined): Promise<boolean | undefined> =>
    xid === undefined ? undefined : await isolated.holdsCommit(run, xid)
  if ((await holds(lastIn?.xid)) === false)
    throw elsewhere(goal, `without the commit of transaction ${lastIn?.xid ?? 0}`)
  if ((await holds(firstOut?.xid)) === true)
    throw elsewhere(goal, `with the commit of transaction ${firstOut?.xid ?? 0}, which lies behind it`)
  return {
    replayedLsn,
    timeline,
    lastIn: lastIn === undefined ? null : { xid: lastIn.xid, lsn: lsnOf(lastIn.start) },
    firstOut: firstOut === undefined ? null : { xid: firstOut.xid, lsn: lsnOf(firstOut.start) },
  }
}

/** The first record of a page starts behind the page's header; the one before ends in front of it. */
export function isSamePlace(found: Lsn, wanted: Lsn): boolean {
  const [low, high] = [positionOf(found), positionOf(wanted)].toSorted((a, b) => a - b) as [number, number]
  return low === high || (low % walPageBytes === 0 && pageHeaderBytes.includes(high - low))
}

function notPaused({ lsn }: RecoveryGoal, { timeline }: IsolatedStanding): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_NOT_PAUSED',
    class: 'permanent',
    message: `the isolated server left recovery by itself, on timeline ${timeline}, instead of waiting at ${lsn}`,
    hint: 'an overflowed snapshot keeps a standby from answering at that place: take a later point',
  })
}

function walEnds({ lsn, reached }: RecoveryGoal, { replayedLsn }: IsolatedStanding): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_WAL_ENDS',
    class: 'permanent',
    message: `replay ends at ${replayedLsn}, before ${lsn} (${reached}): a record behind it is missing or damaged`,
    hint: 'verify the archive with `pointzero points --verify`, then take the nearest point on purpose',
  })
}

function elsewhere({ reached, timeline }: RecoveryGoal, where: string): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_ELSEWHERE',
    class: 'permanent',
    message: `the isolated server stands ${where}, the plan says ${reached} on timeline ${timeline}`,
    hint: 'compare with `pointzero points`; nothing was replaced',
  })
}
