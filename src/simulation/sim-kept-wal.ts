import { RecoveryError } from '../domain/recovery-error.ts'
import type { RecoveryGoal } from '../ports/database-recovery.ts'
import { lsnToBigint } from '../domain/lsn.ts'
import type { CaptureView } from '../ports/kept-copies.ts'
import type { Counters } from './counters.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'
import type { SimLinks } from './sim-links.ts'
import type { CaptureConnection, SimPostgres } from './sim-postgres.ts'
import type { SimRandom } from './sim-random.ts'
import { lsnText } from './wal-record.ts'
import type { TimelineStart, WalRecord } from './wal-record.ts'

export interface KeptWalSetting {
  readonly loop: EventLoop
  readonly links: SimLinks
  readonly random: SimRandom
  readonly counters: Counters
  readonly host: SimHost
  readonly servers: readonly SimPostgres[]
  /** Base backups come by themselves. Else those are kept that runs take. */
  readonly takesBases: boolean
  /** Under which it receives where commits may wait for it; absent where none does. */
  readonly applicationName?: string
}

/** A base backup: everything up to a record, listed only once it was whole. */
export interface KeptBase {
  readonly id: string
  readonly last: WalRecord
}

/** What a restore reads: the WAL from the beginning to the goal, and the history that leads there. */
export interface RestoredWal {
  readonly wal: readonly WalRecord[]
  readonly history: readonly TimelineStart[]
}

const receiveEveryUs = 100_000
/** Where a commit may wait for it. */
const acknowledgeEveryUs = 15_000
const backUpEveryUs = 1_500_000

/**
 * The copies of a simulated database on a host of their own: WAL of every timeline that a primary had while it could be reached, and base
 * backups. What was received is durable with the next sync; a power cut takes some of it and tears a record, a sync that fails takes all of it.
 */
export class SimKeptWal {
  readonly host: SimHost
  readonly snapshots: KeptBase[] = []
  readonly #setting: KeptWalSetting
  readonly #durable = new Set<WalRecord>()
  #unsynced: readonly WalRecord[] = []
  #cuts = 0
  #newestTimeline = 0
  /** Of the database that is kept here; '' until something was received. */
  systemIdentifier = ''
  #backUpUnderWay = false
  readonly #everyUs: number
  #connected: { readonly server: SimPostgres; readonly connection: CaptureConnection } | undefined

  constructor(setting: KeptWalSetting) {
    this.#setting = setting
    this.host = setting.host
    this.#everyUs = setting.applicationName === undefined ? receiveEveryUs : acknowledgeEveryUs
    setting.loop.after(this.#everyUs, () => this.#receive())
    if (setting.takesBases) setting.loop.after(backUpEveryUs, () => this.#backUp())
  }

  get takesBases(): boolean {
    return this.#setting.takesBases
  }

  /** The highest timeline of which something is held. */
  get newestTimeline(): number {
    return this.#newestTimeline
  }

  /** The highest value of the sequence that any held record shows. */
  get highestSequence(): number {
    let highest = 0
    for (const { sequence } of this.#durable) highest = Math.max(highest, sequence)
    return highest
  }

  /** Where the archive ends: the last record of the newest timeline. */
  get end(): WalRecord | undefined {
    let newest: WalRecord | undefined
    for (const record of this.#durable) {
      const isNewer = record.timeline === this.#newestTimeline && record.lsn > (newest?.lsn ?? 0)
      if (isNewer) newest = record
    }
    return newest
  }

  holds(record: WalRecord): boolean {
    return this.#durable.has(record)
  }

  /** The newest base backup from which the record is reached; `undefined` when there is none yet. */
  snapshotBefore(goal: WalRecord): KeptBase | undefined {
    return this.snapshots.findLast(({ last }) => last.lsn <= goal.lsn && isAncestor(last, goal))
  }

  /** The newest base backup, and the last record that is held; fails like `read`. */
  newest(reader: SimHost): RecoveryGoal {
    if (!this.#setting.links.connects(reader, this.host)) throw unreachable()
    const base = this.snapshots.at(-1)
    const last = this.end
    if (base === undefined || last === undefined) throw nothingKept()
    const lsn = lsnText(last.lsn)
    const goal = { snapshot: base.id, timeline: last.timeline, lsn, inclusive: true, reached: lsn }
    this.read(reader, goal)
    return goal
  }

  /** Fails when the host does not answer, or the copies do not lead there. */
  read(reader: SimHost, goal: RecoveryGoal): RestoredWal {
    if (!this.#setting.links.connects(reader, this.host)) throw unreachable()
    const position = Number(lsnToBigint(goal.reached))
    const snapshot = this.snapshots.find(({ id }) => id === goal.snapshot)
    const end = [...this.#durable].find(({ lsn, timeline }) => lsn === position && timeline === goal.timeline)
    if (snapshot === undefined || end === undefined) throw targetUnreachable(goal)
    const wal: WalRecord[] = []
    for (let record: WalRecord | undefined = end; record !== undefined; record = record.previous) {
      if (record.lsn > snapshot.last.lsn && !this.#durable.has(record)) throw targetUnreachable(goal)
      wal.push(record)
    }
    wal.reverse()
    if (!wal.includes(snapshot.last)) throw targetUnreachable(goal)
    return { wal, history: historyOf(wal) }
  }

  #receive(): void {
    const { loop } = this.#setting
    loop.after(this.#everyUs, () => this.#receive())
    const kept = this.#settle()
    const source = this.#source()
    this.#acknowledge(source, kept)
    if (source === undefined) return
    const found: WalRecord[] = []
    for (let index = source.wal.length - 1; index >= 0; index -= 1) {
      const record = source.wal[index] as WalRecord
      if (this.#durable.has(record)) break
      found.push(record)
    }
    this.#unsynced = found.reverse()
    this.systemIdentifier = source.directory.systemIdentifier
  }

  /** What became of what was received last: the newest record that is durable. */
  #settle(): WalRecord | undefined {
    const { random, counters } = this.#setting
    const pending = this.#unsynced
    this.#unsynced = []
    let kept = pending.length
    if (this.host.disk.cuts !== this.#cuts) {
      this.#cuts = this.host.disk.cuts
      kept = random.integer(pending.length + 1)
      if (kept < pending.length) counters.add('archive-torn')
    } else if (this.host.isUp) {
      try {
        this.host.disk.sync('/archive')
      } catch {
        // What a failed sync held is not durable, and the next one does not make it so: it is received again.
        kept = 0
        if (pending.length > 0) counters.add('archive-sync-failed')
      }
    }
    for (const record of pending.slice(0, kept)) {
      this.#durable.add(record)
      this.#newestTimeline = Math.max(this.#newestTimeline, record.timeline)
    }
    return pending[kept - 1]
  }

  /** Tells the server that it receives from what is durable, and no other any more. */
  #acknowledge(source: SimPostgres | undefined, newest: WalRecord | undefined): void {
    const { applicationName, links, loop, host } = this.#setting
    if (applicationName === undefined) return
    const held = this.#connected
    if (held !== undefined && (held.server !== source || !source.captures.has(held.connection))) {
      held.server.captures.delete(held.connection)
      this.#connected = undefined
    }
    if (source === undefined) return
    if (this.#connected === undefined) {
      this.#connected = { server: source, connection: { name: applicationName, flushed: 0 } }
      source.captures.add(this.#connected.connection)
    }
    const { connection } = this.#connected
    // Of a primary that it has just turned to it holds nothing yet.
    if (newest === undefined || source.wal.lastIndexOf(newest) < 0) return
    loop.after(links.delayUs(host, source.host), () => {
      if (!links.passes(host, source.host)) return
      source.process?.deliver(() => {
        if (!source.captures.has(connection)) return
        connection.flushed = Math.max(connection.flushed, newest.lsn)
        source.releaseAcknowledged()
      })
    })
  }

  /** What it says of itself; absent where no commit may wait for it. */
  get capture(): CaptureView | undefined {
    const { applicationName } = this.#setting
    if (applicationName === undefined) return undefined
    const source = this.#connected?.server
    const degraded = { kind: 'degraded', sinceMs: 0, reason: 'no primary answers' } as const
    return {
      applicationName,
      protection: source === undefined ? degraded : { kind: 'streaming', exposedBytes: 0 },
      source: source === undefined ? null : `${source.host.address}:${source.port}`,
      timeline: this.end?.timeline ?? null,
      durableLsn: this.end === undefined ? null : lsnText(this.end.lsn),
      exposedMs: null,
      alarms: [],
    }
  }

  #backUp(): void {
    const { loop, random, counters } = this.#setting
    loop.after(backUpEveryUs, () => this.#backUp())
    const source = this.#source()
    const last = source?.wal.at(-1)
    if (source === undefined || last === undefined || this.#backUpUnderWay) return
    const { cuts } = this.host.disk
    const { process } = source
    this.#backUpUnderWay = true
    loop.after(random.between(50_000, 600_000), () => {
      this.#backUpUnderWay = false
      const isWhole = this.#source() === source && source.process === process && this.host.disk.cuts === cuts
      if (isWhole) this.snapshots.push({ id: `snp_${this.snapshots.length + 1}`, last })
      else counters.add('backup-not-listed')
    })
  }

  /** The primary with the highest timeline that answers; none whose timeline was left already. */
  #source(): SimPostgres | undefined {
    const { links, servers } = this.#setting
    const [best] = servers
      .filter(({ mode, process }) => mode === 'primary' && process?.isPaused === false)
      .filter(({ host }) => links.connects(this.host, host))
      .toSorted((left, right) => right.timeline - left.timeline)
    return best === undefined || best.timeline < this.#newestTimeline ? undefined : best
  }
}

function isAncestor(ancestor: WalRecord, record: WalRecord): boolean {
  let at: WalRecord | undefined = record
  while (at !== undefined && at.lsn > ancestor.lsn) at = at.previous
  return at === ancestor
}

function historyOf(wal: readonly WalRecord[]): readonly TimelineStart[] {
  const history: TimelineStart[] = []
  for (const { timeline, previous } of wal)
    if (timeline !== history.at(-1)?.timeline) history.push({ timeline, lsn: previous?.lsn ?? 0 })
  return history
}

function unreachable(): RecoveryError {
  return new RecoveryError({
    code: 'STORE_UNREACHABLE',
    class: 'transient',
    message: 'the host that keeps the copies does not answer',
    hint: 'it is tried again',
  })
}

function nothingKept(): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_SNAPSHOT_UNKNOWN',
    class: 'refused',
    message: 'there is no snapshot yet',
    hint: 'see what is kept with `pointzero points`',
  })
}

function targetUnreachable(goal: RecoveryGoal): RecoveryError {
  return new RecoveryError({
    code: 'TARGET_UNREACHABLE',
    class: 'refused',
    message: `the copies do not lead to ${goal.reached} on timeline ${goal.timeline}`,
    hint: 'see what is kept with `pointzero points`',
  })
}
