import { parseLsn } from '../../domain/lsn.ts'
import type { Clock } from '../../ports/clock.ts'
import { waitUntil } from './deadline.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { seeMember, timelineOf } from './observation-query.ts'
import { unreachable } from './postgres-failure.ts'
import type { PostgresSession } from './postgres-session.ts'
import { writeUpstreamOnDisk } from './postgres-settings.ts'
import type { WalPosition } from './timeline-history.ts'

const settleMs = 600_000
const answerMs = 5_000

/** A standby that is late on purpose would be waited for as long as its owner wants it to be late. */
export const settling = { recovery_min_apply_delay: '0' } as const

export interface OrderlyCycle {
  start(): Promise<void>
  stop(): Promise<unknown>
  /** After a failure: nothing of it runs afterwards, so that its directory may be replaced. */
  abandon(): Promise<void>
  withSession<T>(use: (session: PostgresSession) => Promise<T>): Promise<T>
}

/** In standby mode the startup process waits so only when pg_wal has nothing more and there is no upstream to ask. */
const idleQuery = `select from pg_stat_activity
  where backend_type = 'startup' and wait_event = 'RecoveryRetrieveRetryInterval'`

/** Where the stopped member's own WAL ends, found by replaying it without an upstream. It is stopped cleanly again afterwards. */
export async function settleStandby(
  config: PostgresMemberConfig,
  clock: Clock,
  cycle: OrderlyCycle,
): Promise<WalPosition> {
  await writeUpstreamOnDisk(config, '')
  try {
    await cycle.start()
    const position = await cycle.withSession(async (session) => await endOfOwnWal(clock, session))
    if (position === undefined) throw unreachable(config.name, 'it does not come to the end of its own WAL')
    await cycle.stop()
    return position
  } catch (error) {
    await cycle.abandon()
    throw error
  }
}

async function endOfOwnWal(clock: Clock, session: PostgresSession): Promise<WalPosition | undefined> {
  let before = ''
  return await waitUntil(clock, settleMs, 50, async () => {
    const [idle] = await session.query(idleQuery, [], answerMs)
    const seen = await seeMember(session, answerMs)
    const lsn = seen?.replayedLsn ?? ''
    const stands = idle !== undefined && lsn !== '' && lsn === before
    before = idle === undefined ? '' : lsn
    return stands && seen !== undefined ? { timeline: timelineOf(seen), lsn: parseLsn(lsn) } : undefined
  })
}
