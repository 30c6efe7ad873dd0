import type { ClientHistory } from './client-history.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import { covers } from '../domain/synchronous-rule.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import { archiveHoldsAll, captureNames, publishedRule } from '../estate/published-rule.ts'
import type { Counters } from './counters.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { WalRecord } from './wal-record.ts'

export class InvariantBroken extends Error {
  readonly invariant: string

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`)
    this.name = 'InvariantBroken'
    this.invariant = invariant
  }
}

/** What must hold of the cluster at every instant, judged where it happens and not by what anybody reports. */
export class ClusterInvariants {
  readonly #servers: readonly SimPostgres[]
  readonly #history: ClientHistory
  readonly #counters: Counters
  readonly #now: () => number
  readonly #leader: () => LeaderRecord | undefined
  readonly #cluster: PostgresComponent
  readonly #isArchived: (record: WalRecord) => boolean
  #newestAcknowledged: WalRecord | undefined
  /** What a recovery took back. */
  readonly #undone = new Set<WalRecord>()
  /** Values of the sequence that somebody was told. */
  readonly #sequences = new Set<number>()
  /** Timeline on which each member last confirmed a write. */
  readonly #acknowledgedOn = new Map<string, number>()

  constructor(setting: {
    readonly servers: readonly SimPostgres[]
    readonly history: ClientHistory
    readonly counters: Counters
    readonly now: () => number
    readonly leader: () => LeaderRecord | undefined
    readonly cluster: PostgresComponent
    readonly isArchived: (record: WalRecord) => boolean
  }) {
    this.#servers = setting.servers
    this.#history = setting.history
    this.#counters = setting.counters
    this.#now = setting.now
    this.#leader = setting.leader
    this.#cluster = setting.cluster
    this.#isArchived = setting.isArchived
  }

  /**
   * Acknowledgements follow one line: each lies after the one before, on a timeline that contains it. Two primaries that confirm
   * in turns, or one that confirms what its successor does not have, break it at once.
   */
  acknowledged(server: SimPostgres, record: WalRecord): void {
    this.#history.released.push({ record, member: server.name, atUs: this.#now() })
    this.#acknowledgedOn.set(server.name, server.timeline)
    this.#published(server)
    this.#archived(server, record)
    if (record.transaction > 0 && this.#sequences.has(record.sequence))
      throw new InvariantBroken(
        'no sequence gives a value again',
        `${server.name} gave ${record.sequence} twice`,
      )
    if (record.transaction > 0) this.#sequences.add(record.sequence)
    const newest = this.#newestAcknowledged
    this.#newestAcknowledged = record
    if (newest === undefined) return
    if (record.lsn > newest.lsn && isOnLine(server, newest)) return
    throw new InvariantBroken(
      'one line of acknowledgements',
      `${server.name} confirmed ${describe(record)} after ${describe(newest)} had been confirmed elsewhere`,
    )
  }

  /** Clients are led only to a primary that has confirmed a write since it was opened (restart hole). */
  ledTo(server: SimPostgres): void {
    // It may have died since: then nobody is served, and nobody reads what could be lost.
    if (this.#acknowledgedOn.get(server.name) === server.timeline) return
    throw new InvariantBroken(
      'clients come after the first acknowledgement',
      `a gate leads to ${server.name} (${server.mode})`,
    )
  }

  /** At every acknowledgement the published rule covers the loaded one: all of its members, no more of them than it waits for, no capture that it does without. */
  #published(server: SimPostgres): void {
    const record = this.#leader()
    const { names, count } = server.loadedSync
    if (record === undefined || names.length === 0) return
    if (covers(publishedRule(record), { names, count }, captureNames(this.#cluster))) return
    throw new InvariantBroken(
      'published before it counts',
      `${server.name} confirmed with ${count} of ${names.join(', ')}, published are ${record.publishedCount} of ${record.publishedSync.join(', ')}`,
    )
  }

  /** Where the record says that nothing is confirmed without the archive, it is not. */
  #archived(server: SimPostgres, record: WalRecord): void {
    const leader = this.#leader()
    if (leader === undefined || !archiveHoldsAll(this.#cluster, leader)) return
    this.#counters.add('confirmed-with-the-archive')
    if (this.#isArchived(record)) return
    throw new InvariantBroken(
      'the archive holds what is confirmed',
      `${server.name} confirmed ${describe(record)}, which the archive has not`,
    )
  }

  /** Before anybody is promoted, no other running primary may still be able to gather the acknowledgements that it waits for. */
  promoted(server: SimPostgres): void {
    for (const other of this.#servers) {
      if (other === server || other.mode !== 'primary') continue
      this.#counters.add('promoted-beside-a-living-primary')
      const { names, count } = other.loadedSync
      const attached = [...other.senders].filter(
        ({ standby, canAcknowledge }) => canAcknowledge && names.includes(standby.name) && standby !== server,
      )
      const captures = [...other.captures].filter(({ name }) => names.includes(name))
      if (names.length > 0 && attached.length + captures.length < count) continue
      throw new InvariantBroken(
        'revocation before promotion',
        `${server.name} was promoted while ${other.name} could still confirm (waits for ${count} of ${names.join(', ') || 'nobody'})`,
      )
    }
  }

  /** People took back what was confirmed behind a position: it is not lost but undone, and the line goes on from there. */
  undone(position: number, kept: readonly WalRecord[]): void {
    const { released } = this.#history
    for (const record of kept) if (record.lsn > position) this.#undone.add(record)
    const held = new Set(kept)
    const missing = released.filter(({ record }) => record.lsn > position && !held.has(record))
    if (missing.length > 0)
      throw new InvariantBroken('the damaged directory is kept', `${missing.length} commits are not in it`)
    const before = released.filter(({ record }) => record.lsn <= position)
    this.#counters.add('undone-writes', released.length - before.length)
    this.#counters.add('recoveries')
    released.splice(0, released.length, ...before)
    this.#newestAcknowledged = before.at(-1)?.record
  }

  /**
   * No member had its data any more: what the copies did not hold is lost, a number given in it may be given again, and it is
   * counted. A restore to their end loses nothing that they held.
   */
  restored(wal: readonly WalRecord[], isToEnd: boolean, isHeld: (record: WalRecord) => boolean): void {
    const { released } = this.#history
    const back = new Set(wal)
    const missing = released.filter(({ record }) => !back.has(record)).map(({ record }) => record)
    const undone = missing.filter(isHeld)
    if (isToEnd && undone.length > 0)
      throw new InvariantBroken(
        'what was archived comes back',
        `${undone.length} archived writes are missing, from ${describe(undone[0] as WalRecord)}`,
      )
    for (const record of missing) {
      if (isHeld(record)) this.#undone.add(record)
      else this.#sequences.delete(record.sequence)
    }
    this.#counters.add('restores')
    this.#counters.add(isToEnd ? 'restores-to-the-end' : 'restores-to-before')
    this.#counters.add('undone-writes', undone.length)
    this.#counters.add('writes-lost-with-all-data', missing.length - undone.length)
    const left = released.filter(({ record }) => back.has(record))
    released.splice(0, released.length, ...left)
    this.#newestAcknowledged = left.at(-1)?.record
  }

  /** Every write that the rule released is on the log of whoever leads at the end. */
  nothingLost(leader: SimPostgres): void {
    const held = new Set(leader.wal)
    const lost = this.#history.released.filter(({ record }) => !held.has(record))
    if (lost.length > 0) {
      const first = lost[0]
      throw new InvariantBroken(
        'no acknowledged write lost',
        `${lost.length} acknowledged by ${first?.member}, from transaction ${first?.record.transaction} at ${((first?.atUs ?? 0) / 1e6).toFixed(3)} s, are not on ${leader.name}`,
      )
    }
    const back = leader.wal.find((record) => this.#undone.has(record))
    if (back !== undefined)
      throw new InvariantBroken('nothing after the target is there', `${leader.name} holds ${describe(back)}`)
    const transactions = new Set(leader.wal.map(({ transaction }) => transaction))
    const soft = this.#history.entries.filter(({ result }) => result === 'soft')
    this.#counters.add('soft-commits', soft.length)
    this.#counters.add(
      'soft-commits-lost',
      soft.filter(({ transaction }) => !transactions.has(transaction)).length,
    )
    for (const { result, transaction, client } of this.#history.entries) {
      if (result === 'failed' && transactions.has(transaction)) {
        throw new InvariantBroken('failed means not done', `transaction ${transaction} of ${client} is there`)
      }
    }
  }
}

function isOnLine(server: SimPostgres, record: WalRecord): boolean {
  const { wal } = server
  for (let index = wal.length - 1; index >= 0; index -= 1) {
    const held = wal[index] as WalRecord
    if (held === record) return true
    if (held.lsn < record.lsn) return false
  }
  return false
}

function describe(record: WalRecord): string {
  return `transaction ${record.transaction} (timeline ${record.timeline}, position ${record.lsn.toString(16)})`
}
