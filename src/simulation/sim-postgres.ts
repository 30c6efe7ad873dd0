import { assert } from '../domain/recovery-error.ts'
import type { Endpoint } from '../ports/network.ts'
import type { EventLoop } from './event-loop.ts'
import { PostgresDirectory } from './postgres-directory.ts'
import type { SimHost } from './sim-host.ts'
import type { SimLinks } from './sim-links.ts'
import { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import { SimReplication } from './sim-replication.ts'
import { endOf, nextRecord, replayableUpTo } from './wal-record.ts'
import type { WalRecord } from './wal-record.ts'

export type ServerMode = 'stopped' | 'starting' | 'standby' | 'primary' | 'stopping'

/** How a commit ended for the session that asked for it. */
export type CommitResult = 'acknowledged' | 'soft' | 'terminated' | 'read-only'

/** Whoever keeps the history of a simulation is told here, at the instant at which it happens on the server. */
export interface PostgresWitness {
  readonly acknowledged: (server: SimPostgres, record: WalRecord) => void
  readonly promoted: (server: SimPostgres, timeline: number) => void
  /** It receives WAL that does not continue its own: it acknowledges bytes that it can never replay. */
  readonly derailed: (server: SimPostgres, upstream: SimPostgres) => void
}

/** What every member of the simulated cluster shares. */
export interface PostgresSetting {
  readonly loop: EventLoop
  readonly links: SimLinks
  readonly random: SimRandom
  readonly servers: readonly SimPostgres[]
  readonly witness: PostgresWitness
}

/** A connection over which an archive receives: of the same standing as a standby's when commits are released. */
export interface CaptureConnection {
  readonly name: string
  /** Newest position of which the server was told that it is durable there. */
  flushed: number
}

interface WaitingCommit {
  readonly record: WalRecord
  readonly isCanary: boolean
  readonly done: (result: CommitResult) => void
}

/** wal_retrieve_retry_interval. */
const retryUs = 500_000

/**
 * An executable model of one PostgreSQL member: its data directory survives crashes, its postmaster does not. Timelines, streaming,
 * `ANY n` synchronous commit with the holes that the real server has (cancel, restart), promotion, fast and immediate shutdown.
 */
export class SimPostgres {
  readonly name: string
  readonly host: SimHost
  readonly port: number
  readonly directory: PostgresDirectory
  mode: ServerMode = 'stopped'
  /** Postmaster; absent when it does not run. */
  process: SimProcess | undefined
  /** Number of records replayed. */
  replayedCount = 0
  receivedSinceStart = false
  isReplayPaused = false
  receiver: SimReplication | undefined
  readonly senders = new Set<SimReplication>()
  readonly captures = new Set<CaptureConnection>()
  /** Of this process, and gone with it: a server that starts accepts writes. */
  refusesWrites = false
  /** Roles or sessions that commit without waiting, as an audit would name them. */
  bypasses: readonly string[] = []
  readonly #setting: PostgresSetting
  readonly #random: SimRandom
  #waiting: WaitingCommit[] = []
  #loadedSync: { readonly names: readonly string[]; readonly count: number } = { names: [], count: 0 }
  #isConnecting = false
  readonly #exitListeners = new Set<() => void>()

  constructor(
    setting: PostgresSetting,
    place: { readonly name: string; readonly host: SimHost; readonly port: number },
  ) {
    this.#setting = setting
    this.name = place.name
    this.host = place.host
    this.port = place.port
    this.directory = new PostgresDirectory()
    this.#random = setting.random.fork(`postgres ${place.name}`)
    setting.links.onChange(() => this.environmentChanged())
  }

  get wal(): readonly WalRecord[] {
    return this.directory.wal
  }

  get timeline(): number {
    return this.directory.timeline
  }

  get loadedSync(): { readonly names: readonly string[]; readonly count: number } {
    return this.#loadedSync
  }

  get isRunning(): boolean {
    return this.process !== undefined
  }

  get waitingCommits(): number {
    return this.#waiting.length
  }

  /** Told when the postmaster is gone, for whatever reason. Returns how to stop listening. */
  onExit(listener: () => void): () => void {
    this.#exitListeners.add(listener)
    return () => this.#exitListeners.delete(listener)
  }

  /** Crash recovery replays what the directory holds, then sessions are accepted. */
  start(ready: () => void): void {
    assert(this.process === undefined, `${this.name} is started once`)
    const { loop } = this.#setting
    const process = new SimProcess(loop, this.host, `postgres ${this.name}`)
    this.process = process
    this.mode = 'starting'
    this.receivedSinceStart = false
    this.replayedCount = 0
    this.#loadedSync = { names: this.directory.syncNames, count: this.directory.syncCount }
    process.onExit(() => this.#exited())
    loop.after(this.#random.between(60_000, 400_000), () => {
      process.deliver(() => {
        if (this.mode !== 'starting') return
        this.directory.shutdownLsn = undefined
        this.replayedCount = replayableUpTo(this.wal, 0)
        this.mode = this.directory.standbySignal ? 'standby' : 'primary'
        if (this.mode === 'primary') this.directory.truncate(this.replayedCount)
        this.connectSoon()
        ready()
      })
    })
  }

  /** SIGKILL, immediate shutdown, power cut: nothing is said to anybody who is not told by the kernel. */
  kill(): void {
    this.process?.kill()
  }

  /** Fast shutdown: ends every session, writes the shutdown checkpoint, waits until the connected standbys flushed it. */
  shutDown(): void {
    if (this.process === undefined || this.mode === 'stopping') return
    const wasPrimary = this.mode === 'primary'
    this.mode = 'stopping'
    for (const { done } of this.#waiting.splice(0)) done('terminated')
    this.receiver?.close()
    if (wasPrimary) {
      const checkpoint = this.#append(0)
      this.directory.checkpointTimeline = this.timeline
      this.directory.pendingShutdownLsn = checkpoint.lsn
    } else {
      this.directory.pendingShutdownLsn = endOf(this.wal)
    }
    this.#finishShutDown()
  }

  promote(): void {
    if (this.mode !== 'standby') return
    this.receiver?.close()
    const replayable = replayableUpTo(this.wal, 0)
    this.directory.truncate(replayable)
    this.directory.beginTimeline(this.directory.newestTimeline + 1)
    this.directory.standbySignal = false
    this.mode = 'primary'
    this.#append(0)
    this.replayedCount = this.wal.length
    this.#setting.loop.trace(`promoted ${this.name}`, this.timeline)
    this.#setting.witness.promoted(this, this.timeline)
  }

  checkpoint(): void {
    if (this.mode === 'primary') this.#append(0)
    this.directory.checkpointTimeline = this.timeline
  }

  /** Written to disk and loaded. Waiting commits are judged by the new rule at once, as after a reload. */
  setSynchronous(names: readonly string[], count: number): void {
    this.directory.syncNames = names
    this.directory.syncCount = count
    if (this.process === undefined) return
    this.#loadedSync = { names, count }
    this.releaseAcknowledged()
  }

  setUpstream(upstream: Endpoint | undefined): void {
    this.directory.upstream = upstream
    this.receiver?.close()
    this.connectSoon()
  }

  /** Sessions of before are ended: what one of them waits for may be committed. */
  refuseWrites(): void {
    this.refusesWrites = true
    const ended = this.#waiting.filter(({ isCanary }) => !isCanary)
    this.#waiting = this.#waiting.filter(({ isCanary }) => isCanary)
    for (const { done } of ended) done('terminated')
  }

  commit(
    transaction: number,
    done: (result: CommitResult) => void,
    isCanary = false,
  ): WaitingCommit | undefined {
    if (this.mode !== 'primary' || (this.refusesWrites && !isCanary)) {
      done('read-only')
      return undefined
    }
    const record = this.#append(transaction)
    if (this.#loadedSync.names.length === 0) {
      this.#acknowledge({ record, done, isCanary })
      return undefined
    }
    const waiting = { record, done, isCanary }
    this.#waiting.push(waiting)
    return waiting
  }

  /** The cancel hole: the session stops waiting, its commit is visible and nobody else has it for certain. */
  cancel(waiting: WaitingCommit): void {
    const index = this.#waiting.indexOf(waiting)
    if (index < 0) return
    this.#waiting.splice(index, 1)
    waiting.done('soft')
  }

  /** Commits are released in log order once `count` of the named standbys are known to have flushed them. */
  releaseAcknowledged(): void {
    if (this.mode !== 'primary' || this.#waiting.length === 0) return
    const { names, count } = this.#loadedSync
    let position = Number.POSITIVE_INFINITY
    if (names.length > 0) {
      const standbys = [...this.senders].map(({ standby: { name }, flushed }) => ({ name, flushed }))
      const flushed = [...standbys, ...this.captures]
        .filter(({ name }) => names.includes(name))
        .map((one) => one.flushed)
      if (flushed.length < count) return
      position = flushed.sort((left, right) => right - left)[count - 1] ?? 0
    }
    while (this.#waiting[0] !== undefined && this.#waiting[0].record.lsn <= position) {
      this.#acknowledge(this.#waiting.shift() as WaitingCommit)
    }
  }

  received(upstream: SimPostgres, records: readonly WalRecord[]): void {
    const [next] = records
    if (next !== undefined && next.previous !== this.wal.at(-1))
      this.#setting.witness.derailed(this, upstream)
    this.directory.append(records, upstream.directory)
    this.receivedSinceStart = true
    if (!this.isReplayPaused) this.replayedCount = replayableUpTo(this.wal, this.replayedCount)
    for (const sender of this.senders) sender.pump()
  }

  resumeReplay(): void {
    this.isReplayPaused = false
    this.replayedCount = replayableUpTo(this.wal, this.replayedCount)
  }

  senderEnded(sender: SimReplication): void {
    this.senders.delete(sender)
    if (this.mode === 'stopping') this.#finishShutDown()
  }

  receiverEnded(receiver: SimReplication): void {
    if (this.receiver !== receiver) return
    this.receiver = undefined
    this.connectSoon()
  }

  environmentChanged(): void {
    this.receiver?.environmentChanged()
    for (const sender of this.senders) sender.environmentChanged()
  }

  connectSoon(): void {
    const { process } = this
    if (this.#isConnecting || !this.#wantsReceiver() || process === undefined) return
    this.#isConnecting = true
    this.#setting.loop.after(this.#random.between(1000, retryUs), () => {
      this.#isConnecting = false
      if (this.process !== process) this.connectSoon()
      else process.deliver(() => this.#connect(process))
    })
  }

  #wantsReceiver(): boolean {
    return this.mode === 'standby' && this.directory.upstream !== undefined && this.receiver === undefined
  }

  #connect(process: SimProcess): void {
    const { upstream } = this.directory
    if (!this.#wantsReceiver() || upstream === undefined) return
    const { loop, links, servers } = this.#setting
    const found = servers.find(
      ({ host, port }) => host.address === upstream.address && port === upstream.port,
    )
    const sender = found?.process
    const accepts = found !== undefined && sender !== undefined && !sender.isPaused && found.canServe(this)
    if (!accepts || !links.connects(this.host, found.host)) {
      this.connectSoon()
      return
    }
    const receiver = new SimReplication(loop, links, {
      standby: this,
      upstream: found,
      sender,
      receiver: process,
    })
    this.receiver = receiver
    this.receivedSinceStart = true
    found.senders.add(receiver)
    receiver.reply()
    receiver.pump()
  }

  /** What the walsender checks before it streams: system identifier, history, start not ahead. Content it does not compare. */
  canServe(standby: SimPostgres): boolean {
    if ((this.mode !== 'primary' && this.mode !== 'standby') || this === standby) return false
    return this.directory.covers(standby.directory)
  }

  #append(transaction: number): WalRecord {
    const record = nextRecord(this.wal, this.timeline, transaction)
    this.directory.append([record], this.directory)
    this.replayedCount = this.wal.length
    for (const sender of this.senders) sender.pump()
    return record
  }

  #acknowledge({ record, done }: WaitingCommit): void {
    this.#setting.witness.acknowledged(this, record)
    done('acknowledged')
  }

  #finishShutDown(): void {
    const position = this.directory.pendingShutdownLsn
    const { process } = this
    if (process === undefined || position === undefined) return
    if ([...this.senders].every(({ flushed }) => flushed >= position)) {
      this.directory.shutdownLsn = position
      process.kill()
      return
    }
    this.#setting.loop.after(5000, () => process.deliver(() => this.#finishShutDown()))
  }

  #exited(): void {
    this.process = undefined
    this.mode = 'stopped'
    this.refusesWrites = false
    this.directory.pendingShutdownLsn = undefined
    this.#waiting = []
    this.captures.clear()
    const { receiver } = this
    this.receiver = undefined
    // Without power nobody says goodbye: the peers find out by their time-outs.
    for (const connection of [...this.senders, ...(receiver === undefined ? [] : [receiver])]) {
      if (this.host.isUp) connection.close()
      else connection.environmentChanged()
    }
    for (const listener of this.#exitListeners) listener()
  }
}
