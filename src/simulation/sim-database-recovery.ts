import { lsnToBigint } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type {
  DatabaseRecovery,
  RecoveryGoal,
  RecoveryStage,
  StageReport,
} from '../ports/database-recovery.ts'
import type { EventLoop } from './event-loop.ts'
import { permanent } from './postgres-problem.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimKeptWal } from './sim-kept-wal.ts'
import type { SimRandom } from './sim-random.ts'
import { endOf, lsnText, nextRecord } from './wal-record.ts'
import type { TimelineStart, WalRecord } from './wal-record.ts'

/** The copy of one run on one host: files, so it outlives the agent and a power cut. */
interface SimCopy {
  wal: readonly WalRecord[]
  history: readonly TimelineStart[]
  readonly reports: Map<RecoveryStage, StageReport>
  /** What the old directory held when it was moved away; `undefined` while it lies in its place. */
  kept: readonly WalRecord[] | undefined
  /** There was no old directory. */
  isOnly: boolean
  /** It goes to the end of what is kept. */
  isToEnd: boolean
}

export interface RecoverySetting {
  readonly loop: EventLoop
  readonly random: SimRandom
  /** By server and run. */
  readonly copies: Map<string, SimCopy>
  /** What was promised behind the goal is undone from here on, because people said so. */
  readonly undone: (position: number, kept: readonly WalRecord[]) => void
  /** Where nothing else was left: this is all that there is of the database from here on. */
  readonly restored: (wal: readonly WalRecord[], isToEnd: boolean) => void
  readonly keptWal: () => SimKeptWal | undefined
}

/**
 * Brings a simulated database back to a position. What it starts from comes from the copies, never from the directory. An effect takes time and
 * dies with the agent that performs it; what it had written by then is begun anew or gone on with, as the real one does.
 */
export class SimDatabaseRecovery implements DatabaseRecovery {
  readonly #setting: RecoverySetting
  readonly #process: SimProcess
  readonly #server: SimPostgres

  constructor(setting: RecoverySetting, process: SimProcess, server: SimPostgres) {
    this.#setting = setting
    this.#process = process
    this.#server = server
  }

  async choose(): Promise<RecoveryGoal> {
    return this.#keptWal.newest(this.#process.host)
  }

  async resolve(goal: RecoveryGoal): Promise<StageReport> {
    const position = positionOf(goal)
    this.#keptWal.read(this.#process.host, goal)
    const behind = this.#server.wal.filter(({ lsn, transaction }) => lsn > position && transaction > 0)
    return { timeline: goal.timeline, commitsAfter: behind.length }
  }

  async report(run: string, stage: RecoveryStage): Promise<StageReport | undefined> {
    return this.#copy(run)?.reports.get(stage)
  }

  async export(run: string): Promise<void> {
    await this.#effect(5_000, 60_000, () => this.#made(run).reports.set('exported', { rows: 0 }))
  }

  async restore(run: string, goal: RecoveryGoal): Promise<void> {
    await this.#effect(100_000, 900_000, () => {
      const copy = this.#made(run)
      const { wal, history } = this.#keptWal.read(this.#process.host, goal)
      copy.wal = wal
      copy.history = history
      copy.isToEnd = goal.inclusive
      const manifest = `manifest of ${goal.snapshot}`
      const figures = { files: 1, bytes: wal.length, walSegments: 1 }
      copy.reports.set('restored', { snapshot: goal.snapshot, manifest, ...figures })
    })
  }

  async replay(run: string): Promise<void> {
    await this.#stage(run, 'restored', 'replayed', 200_000, (copy) => ({
      replayedLsn: lsnText(endOf(copy.wal)),
      timeline: copy.history.at(-1)?.timeline ?? 0,
    }))
  }

  async check(run: string): Promise<void> {
    await this.#stage(run, 'replayed', 'checked', 200_000, (copy) => {
      const timeline = Math.max(this.#server.directory.newestTimeline, this.#keptWal.newestTimeline) + 1
      // An earlier attempt may have opened it.
      if (copy.history.at(-1)?.timeline !== timeline) {
        copy.history = [...copy.history, { timeline, lsn: endOf(copy.wal) }]
        copy.wal = [...copy.wal, nextRecord(copy.wal, timeline, 0)]
      }
      return { timeline, ...nothingWrong }
    })
  }

  async finish(run: string): Promise<void> {
    if (this.#server.isRunning) throw permanent('PG_RUNNING', `${this.#server.name} still runs`)
    await this.#stage(run, 'checked', 'finished', 60_000, (copy) => {
      const timeline = copy.history.at(-1)?.timeline ?? 0
      const given = this.#server.wal.at(-1)?.sequence ?? 0
      const raisedTo = Math.max(given, this.#keptWal.highestSequence)
      copy.wal = [...copy.wal, nextRecord(copy.wal, timeline, 0, raisedTo)]
      return { timeline, shutdownLsn: lsnText(endOf(copy.wal)) }
    })
  }

  async install(run: string): Promise<void> {
    const server = this.#server
    const copy = this.#copy(run)
    if (copy?.reports.has('finished') !== true) throw outOfOrder('finished')
    if (server.isRunning) throw permanent('PG_RUNNING', `${server.name} runs`)
    await this.#effect(500, 2_000, () => {
      if (copy.kept === undefined) copy.isOnly = server.directory.systemIdentifier === ''
      copy.kept ??= [...server.wal]
      server.directory.isDamaged = true
    })
    await this.#effect(500, 2_000, () => {
      if (copy.reports.has('installed')) return
      const { directory } = server
      if (copy.isOnly) this.#setting.restored(copy.wal, copy.isToEnd)
      else this.#setting.undone(copy.history.at(-1)?.lsn ?? 0, copy.kept ?? [])
      directory.systemIdentifier = this.#keptWal.systemIdentifier
      directory.wal = [...copy.wal]
      directory.history = copy.history
      directory.checkpointTimeline = directory.timeline
      directory.upstream = undefined
      directory.shutdownLsn = endOf(directory.wal)
      directory.isDamaged = false
      copy.reports.set('installed', { kept: `${server.name}.kept-1` })
    })
  }

  async exists(run: string): Promise<boolean> {
    return this.#copy(run) !== undefined
  }

  async discard(run: string): Promise<void> {
    await this.#effect(1_000, 20_000, () => {
      if (this.#copy(run)?.kept !== undefined) throw outOfOrder('discarded')
      this.#setting.copies.delete(this.#key(run))
    })
  }

  async #stage(
    run: string,
    before: RecoveryStage,
    stage: RecoveryStage,
    longestUs: number,
    done: (copy: SimCopy) => StageReport,
  ): Promise<void> {
    const copy = this.#copy(run)
    if (copy?.reports.has(before) !== true) throw outOfOrder(before)
    await this.#effect(5_000, longestUs, () => copy.reports.set(stage, done(copy)))
  }

  /** Nothing of it happens when the agent died before. */
  async #effect(shortestUs: number, longestUs: number, happen: () => void): Promise<void> {
    const { loop, random } = this.#setting
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    loop.after(random.between(shortestUs, longestUs), () =>
      this.#process.resume(() => {
        try {
          happen()
          resolve()
        } catch (error) {
          reject(error)
        }
      }),
    )
    await promise
  }

  get #keptWal(): SimKeptWal {
    const kept = this.#setting.keptWal()
    if (kept === undefined) throw permanent('PG_NO_COPIES', 'this estate keeps no copies')
    return kept
  }

  #made(run: string): SimCopy {
    const copy = this.#copy(run) ?? {
      wal: [],
      history: [],
      reports: new Map(),
      kept: undefined,
      isOnly: false,
      isToEnd: false,
    }
    this.#setting.copies.set(this.#key(run), copy)
    return copy
  }

  #copy(run: string): SimCopy | undefined {
    return this.#setting.copies.get(this.#key(run))
  }

  #key(run: string): string {
    return `${this.#server.name} ${run}`
  }
}

const nothingWrong: StageReport = {
  relations: 1,
  pages: 1,
  indexesCompared: 1,
  unchecked: [],
  collations: [],
  invariants: [],
  problems: [],
  network: { contained: true, interfaces: ['lo'] },
}

function positionOf({ reached }: RecoveryGoal): number {
  return Number(lsnToBigint(reached))
}

function outOfOrder(stage: string): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_OUT_OF_ORDER',
    class: 'permanent',
    message: `the copy is not ${stage}`,
    hint: 'see what is missing with `pointzero show <run>`',
  })
}
