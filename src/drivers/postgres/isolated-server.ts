import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { lsnToBigint, parseLsn } from '../../domain/lsn.ts'
import type { Lsn } from '../../domain/lsn.ts'
import type { Clock } from '../../ports/clock.ts'
import type { RecoveryGoal } from '../../ports/database-recovery.ts'
import type { IsolatedStanding, SandboxNetwork } from '../../ports/isolated-database.ts'
import { readControlFile } from './control-file.ts'
import { waitUntil } from './deadline.ts'
import {
  isolatedAccess,
  isolatedSessionSettings,
  isolatedSettings,
  provenSettings,
} from './isolated-settings.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { exists, makeOwnedDirectory, readIfExists, replaceOwnedFile } from './owned-file.ts'
import { outcomeUnknown, permanent, unreachable } from './postgres-failure.ts'
import { endOfLog } from './postgres-log.ts'
import type { PostgresSession } from './postgres-session.ts'
import { Postmaster } from './postmaster.ts'
import { processesOf } from './process-table.ts'
import type { RecoveryPlace } from './recovery-place.ts'
import { withinRecoverySession } from './recovery-session.ts'
import { networkOf, networkOfItsOwn } from './sandbox-network.ts'
import { parseTimelineHistory, timelineHistoryFile } from './timeline-history.ts'
import { walRecordEnd } from './wal-record-end.ts'

const answerMs = 5_000
/** A standby that is asked to promote at its target has nothing left to replay. */
const promoteMs = 120_000
const readyMs = 120_000
const stopMs = 120_000
const checkpointMs = 600_000

const standingQuery = `
select pg_is_in_recovery() as recovering,
  case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() end as pause,
  coalesce(pg_last_wal_replay_lsn(), '0/0'::pg_lsn)::text as replayed,
  current_setting('recovery_target_timeline') as timeline,
  exists (select from pg_stat_activity where backend_type = 'startup'
    and wait_event = 'RecoveryRetrieveRetryInterval') as waits`

interface SeenStanding {
  readonly recovering: boolean
  readonly pause: string | null
  readonly replayed: string
  readonly timeline: string
  readonly waits: boolean
}

/** The server on the copy of one run. A new one per process; the server outlives it and is found again. */
export class IsolatedServer {
  readonly config: PostgresMemberConfig
  readonly #place: RecoveryPlace
  readonly #clock: Clock
  readonly #postmaster: Postmaster
  #started = false
  #isProven = false

  constructor(member: PostgresMemberConfig, place: RecoveryPlace, clock: Clock) {
    const digest = createHash('sha256').update(place.root).digest('hex')
    this.config = {
      ...member,
      name: `the copy for ${member.name}`,
      dataDirectory: place.dataDirectory,
      // Short, because the name of a socket has 107 bytes; of the run, because two may go on beside one member.
      socketDirectory: join(member.socketDirectory, `r${digest.slice(0, 6)}`),
      logFile: place.path('server.log'),
    }
    this.#place = place
    this.#clock = clock
    this.#postmaster = new Postmaster(this.config, clock)
  }

  /** Starts it when it does not run. `undefined` while it accepts no session. */
  async standing(goal: RecoveryGoal): Promise<IsolatedStanding | undefined> {
    await this.#ensureRuns(goal)
    return await this.#ask(async (session) => {
      await this.#requireIsolated(session)
      const [seen] = await session.query<SeenStanding>(standingQuery, [], answerMs)
      if (seen === undefined) return undefined
      return {
        replayedLsn: parseLsn(seen.replayed),
        timeline: /^\d+$/.test(seen.timeline) ? Number(seen.timeline) : goal.timeline,
        isPaused: seen.pause === 'paused',
        isRecovering: seen.recovering,
        atEndOfWal: seen.recovering && seen.pause !== 'paused' && seen.waits,
      }
    })
  }

  /** Out of recovery, whatever it was before; `paused` is where it may leave it. */
  async open(goal: RecoveryGoal, paused: Lsn): Promise<number> {
    const left = await waitUntil(this.#clock, readyMs, 50, async () => {
      const seen = await this.standing(goal)
      if (seen === undefined) return undefined
      if (!seen.isRecovering) return 'open'
      return seen.isPaused && seen.replayedLsn === paused ? 'paused' : undefined
    })
    if (left === undefined) throw unreachable(this.config.name, `it does not come to ${paused} again`)
    if (left === 'paused') await this.#promote()
    const timeline = await this.within(async (session) => {
      // With it the new timeline is in pg_control.
      await session.query('checkpoint', [], checkpointMs)
      const text = 'select timeline_id as timeline from pg_control_checkpoint()'
      const [row] = await session.query<{ timeline: number }>(text, [], answerMs)
      return row?.timeline ?? 0
    })
    await this.#requireParent(timeline, goal, paused)
    return timeline
  }

  async stop(): Promise<{ readonly timeline: number; readonly shutdownLsn: Lsn }> {
    const { dataDirectory, name } = this.config
    if ((await this.#postmaster.find()) !== undefined) {
      this.#postmaster.signal('SIGINT')
      if (!(await this.#postmaster.waitForExit(stopMs)))
        throw unreachable(name, `it is still stopping after ${stopMs} ms`)
    }
    this.#started = false
    await rm(this.config.socketDirectory, { recursive: true, force: true })
    const control = await readControlFile(dataDirectory)
    if (control?.state !== 'shut down') {
      const hint = `read ${this.config.logFile} on the host`
      throw permanent('PG_NOT_CLEAN', `${name} ended "${control?.state ?? 'without a cluster'}"`, hint)
    }
    const { timeline, checkpointLsn } = control
    return { timeline, shutdownLsn: await walRecordEnd(dataDirectory, timeline, checkpointLsn) }
  }

  async kill(): Promise<void> {
    this.#started = false
    await this.#postmaster.killAll()
    await rm(this.config.socketDirectory, { recursive: true, force: true })
  }

  /** Whether any process of it is left, with or without its directory. */
  async isAlive(): Promise<boolean> {
    return (await processesOf(this.config.dataDirectory)).length > 0
  }

  /** What the server that runs now can reach. */
  async network(): Promise<SandboxNetwork> {
    const pid = await this.#postmaster.find()
    return pid === undefined ? { contained: false, interfaces: [] } : await networkOf(pid)
  }

  close(): void {
    this.#postmaster.close()
  }

  async within<T>(use: (session: PostgresSession) => Promise<T>, database = 'postgres'): Promise<T> {
    // No password: on the copy's socket its own access file trusts whoever may reach that directory.
    const { password: _, ...config } = this.config
    return await withinRecoverySession(config, this.#clock, database, use, isolatedSessionSettings)
  }

  async #ask<T>(use: (session: PostgresSession) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.within(use)
    } catch (error) {
      if ((error as { class?: string }).class === 'transient') return undefined
      throw error
    }
  }

  async #ensureRuns(goal: RecoveryGoal): Promise<void> {
    if ((await this.#postmaster.find()) !== undefined) return
    this.#isProven = false
    if (this.#started) {
      this.#started = false
      throw permanent(
        'RECOVERY_SERVER_ENDED',
        `${this.config.name}: the isolated server ended: ${await endOfLog(this.config.logFile)}`,
        `read ${this.config.logFile} on the host; the archive may be damaged: \`pointzero points --verify\``,
      )
    }
    const isRecovering = await requireStartable(this.config, this.#place)
    await this.#postmaster.killAll()
    await makeOwnedDirectory(this.config.socketDirectory, this.config.runAs)
    await replaceOwnedFile(this.#place.path('access.conf'), isolatedAccess, this.config.runAs)
    const settings = isolatedSettings(this.config, this.#place.root, isRecovering ? goal : undefined)
    await this.#postmaster.start(settings, await networkOfItsOwn(this.config))
    this.#started = true
  }

  /** Once for each server that is found running or started: what it says, not what it was told. */
  async #requireIsolated(session: PostgresSession): Promise<void> {
    if (this.#isProven) return
    const wanted = provenSettings(this.config, this.#place.root)
    const text = 'select name, setting from pg_settings where name = any($1)'
    const rows = await session.query<{ name: string; setting: string }>(text, [Object.keys(wanted)], answerMs)
    const found = rows.find(({ name, setting }) => wanted[name] !== setting)
    this.#isProven = found === undefined && rows.length === Object.keys(wanted).length
    if (this.#isProven) return
    await this.kill()
    throw permanent(
      'RECOVERY_NOT_ISOLATED',
      `${this.config.name}: ${found?.name ?? 'a setting'} is ${JSON.stringify(found?.setting ?? 'unknown')}: it may reach outside, and was ended`,
      'report this: the settings of the copy must have no effect',
    )
  }

  async #promote(): Promise<void> {
    await this.within(async (session) => {
      await session.query('select pg_promote(false)', [], answerMs)
      const left = await waitUntil(this.#clock, promoteMs, 20, async () => {
        const text = 'select pg_is_in_recovery() as recovering'
        const [row] = await session.query<{ recovering: boolean }>(text, [], answerMs)
        return row?.recovering === false ? true : undefined
      })
      if (left !== true)
        throw outcomeUnknown(this.config.name, `it is still in recovery after ${promoteMs} ms`)
    })
  }

  /** The only place where the server itself wrote down which timeline it left, and where. */
  async #requireParent(timeline: number, goal: RecoveryGoal, paused: Lsn): Promise<void> {
    const path = join(this.config.dataDirectory, 'pg_wal', timelineHistoryFile(timeline))
    const parent = parseTimelineHistory((await readIfExists(path)) ?? '').at(-1)
    const isThere = parent?.timeline === goal.timeline && isNear(parent.end, paused)
    if (isThere) return
    const found = parent === undefined ? 'nothing' : `${parent.end} of timeline ${parent.timeline}`
    throw permanent(
      'RECOVERY_ELSEWHERE',
      `timeline ${timeline} of the copy left ${found}, the plan says ${paused} of timeline ${goal.timeline}`,
      'compare with `pointzero points`; nothing was replaced',
    )
  }
}

/** A page header may lie between the end of one record and the start of the next. */
function isNear(left: Lsn, right: Lsn): boolean {
  const distance = lsnToBigint(left) - lsnToBigint(right)
  return distance >= -40n && distance <= 40n
}

/**
 * Whether it comes up in recovery. Without backup_label or standby.signal PostgreSQL starts all the same, answers, and lacks rows (T05): so
 * a copy that never ran needs both, and one that is still recovering the signal.
 */
async function requireStartable(config: PostgresMemberConfig, place: RecoveryPlace): Promise<boolean> {
  const has = async (name: string): Promise<boolean> => await exists(join(config.dataDirectory, name))
  const control = await readControlFile(config.dataDirectory)
  const isSignalled = await has('standby.signal')
  const isReplayed = (await place.read('replayed')) !== undefined
  if (control !== undefined && isSignalled && !(await has('recovery.signal'))) {
    const hasRun = await has('backup_label.old')
    const isKnown = ['in archive recovery', 'shut down in recovery'].includes(control.state)
    if ((await has('backup_label')) || (hasRun && isKnown)) return true
  }
  // It was opened by us: the server removes the signal when it leaves recovery.
  if (control !== undefined && !isSignalled && isReplayed && !(await has('backup_label'))) return false
  throw permanent(
    'RECOVERY_NOT_STARTABLE',
    `${config.dataDirectory} lacks backup_label or standby.signal: started like that it would answer and lack rows; it was not started`,
    'let it be restored again: cancel the run with `pointzero cancel` and plan anew',
  )
}
