import type { Lsn } from '../domain/lsn.ts'
import type { MemberRole } from '../domain/member-role.ts'

/** What an agent sees of the member beside it. Everything is read fresh; nothing is remembered from an earlier reading. */
export interface MemberObservation {
  readonly role: MemberRole
  /** pg_control_system(); absent when it can not be read (never initialised, or unreadable). */
  readonly systemIdentifier?: string
  /** server_version_num, for example 150018. */
  readonly versionNumber?: number
  /** pg_control_checkpoint / the walreceiver: the timeline whose WAL this member holds newest. */
  readonly timeline?: number
  /** Timeline of the last completed checkpoint in pg_control: pg_rewind reads this one, not the running one. */
  readonly checkpointTimeline?: number
  /** Stopped: LSN of the shutdown checkpoint when pg_control says `shut down` or `shut down in recovery`. */
  readonly shutdownLsn?: Lsn
  /** Primary: pg_current_wal_flush_lsn(). */
  readonly flushLsn?: Lsn
  /** Standby: pg_last_wal_receive_lsn(), durable on this member. Absent when nothing was streamed since start. */
  readonly receivedLsn?: Lsn
  /** Standby: pg_last_wal_replay_lsn(). */
  readonly replayedLsn?: Lsn
  /**
   * Standby: it has replayed all that it holds and waits for more. After a restart, until WAL streams again, `replayedLsn` says how
   * much it holds only when this is true.
   */
  readonly endOfWal?: boolean
  /** Standby: `host:port` that primary_conninfo names; '' when erased on disk. */
  readonly upstream?: string
  /** Standby: a WAL receiver process exists. */
  readonly receiving?: boolean
  /** Standby: that process is connected and streams (a receiver that retries in vain exists too, from time to time). */
  readonly streaming?: boolean
  /**
   * Names that the loaded synchronous_standby_names requires, with the number to wait for. A standby shows them too: they are set
   * before it is promoted, and from that instant they hold.
   */
  readonly syncNames?: readonly string[]
  readonly syncCount?: number
  /** Primary: the standbys that pg_stat_replication shows. */
  readonly standbys?: readonly StandbyObservation[]
  /** Sessions, roles or databases whose synchronous_commit voids the acknowledgement quorum, each named. */
  readonly bypasses?: readonly string[]
  /** Primary: `refuseWrites` holds. Absent when it does not. */
  readonly refusesWrites?: boolean
  /** What it shows to whoever connects. Absent: it was given none, so that nothing it sends elsewhere is encrypted by us. */
  readonly certificate?: CertificateObservation
  /** Replication slots that hold back or lost WAL: name, state (wal_status) and bytes retained. */
  readonly slots?: readonly SlotObservation[]
}

export interface StandbyObservation {
  /** application_name = the member's label. */
  readonly name: string
  readonly state: string
  readonly syncState: string
  readonly flushLsn?: Lsn
  readonly lagBytes?: number
  /** Whether what the primary sends it goes through TLS. */
  readonly encrypted?: boolean
}

export interface CertificateObservation {
  /** Of the one that lies on the host. */
  readonly validUntilMs?: number
  /** Why the server does not show that one, or why it is of no use. */
  readonly problem?: string
}

export interface SlotObservation {
  readonly name: string
  readonly walStatus: string
  readonly retainedBytes?: number
}

/** Left beside a data directory by an earlier rejoin, for people to look at and to remove. */
export interface KeptDirectory {
  readonly path: string
  /** Of all files in it. */
  readonly bytes: number
}

export interface CanaryReceipt {
  readonly counter: number
}

/**
 * One PostgreSQL member, driven by the agent on its host. Every effect is idempotent: called again after it took effect it
 * resolves without a second effect. No method decides anything; the procedures and the agent's fence do.
 *
 * Errors: PG_UNREACHABLE (transient), PG_OUTCOME_UNKNOWN (unknown-outcome), PG_IDENTITY (refused: another system identifier),
 * others permanent.
 */
export interface DatabaseMember {
  readonly name: string
  /** Never throws for a member that does not answer: that is role `unknown`, `starting` or `stopped`. */
  observe(): Promise<MemberObservation>
  /** What earlier rejoins have left on the disk. Absent where nothing is ever left. */
  kept?(): Promise<readonly KeptDirectory[]>
  /** Whether another certificate lies on the host than the running server shows. Changes nothing. Absent where there is none. */
  isRenewalDue?(): Promise<boolean>
  /** Makes the running server show it, without a restart; resolves when it was seen. Idempotent. */
  renewCertificate?(): Promise<void>
  /** Called with the exit of a postmaster that this agent started or adopted, as soon as it is known. */
  onPostmasterExit(listener: () => void): void

  /** Starts it as a standby (standby.signal is written first), whatever it was before. Resolves when sessions are accepted. */
  startAsStandby(): Promise<void>
  /** pg_ctl stop -m immediate, then SIGKILL of what is left; resolves when no process of it remains. */
  stopImmediate(): Promise<void>
  /** Waits for every standby to receive everything (pg_ctl stop -m fast). For a planned switchover. */
  stopClean(): Promise<{ readonly shutdownLsn: Lsn; readonly timeline: number }>

  /** Standby: erase the upstream on disk and end the WAL receiver. After it resolves this member acknowledges to nobody. */
  detach(): Promise<void>
  /** Standby: name the upstream and stream from it. */
  follow(upstream: Upstream): Promise<void>
  /** Explicit names, `ANY count (names…)`; none at all when `names` is empty. Resolves when the server has loaded it. */
  setSynchronous(names: readonly string[], count: number): Promise<void>
  /**
   * Primary: transactions are read-only by default from when it resolves, and sessions of before are ended. The canary goes on. It ends with
   * the server process, so nothing of it can reach a later start. Who turns it off for a session or a role writes on.
   */
  refuseWrites(): Promise<void>
  acceptWrites(): Promise<void>
  /** Standby -> primary; resolves when pg_is_in_recovery() is false. */
  promote(): Promise<void>
  checkpoint(): Promise<void>

  /** Stopped member: make its data directory a copy-on-divergence of the upstream's. Returns how. The old directory is kept if cloned. */
  rejoin(upstream: Upstream): Promise<{ readonly method: 'unchanged' | 'rewind' | 'clone' }>

  /**
   * Primary: appends one row (counter, wall time, HMAC) to the canary ledger and waits for its acknowledgement under the
   * synchronous rule. Its success is the proof that a named standby acknowledges. Rejects after `timeoutMs` by closing
   * the connection, never by cancelling (cancel hole); the row may be committed then (PG_OUTCOME_UNKNOWN).
   */
  writeCanary(wallMs: number, timeoutMs: number): Promise<CanaryReceipt>
}

export interface Upstream {
  readonly name: string
  readonly address: string
  readonly port: number
}

/** A fresh connection that the postmaster itself answers: a plain TCP connect succeeds on a stopped process and proves nothing. */
export interface DatabaseProbe {
  /** True when the postmaster answered within the time-out. */
  answers(address: string, port: number, timeoutMs: number): Promise<boolean>
}
