import type { Json } from '../domain/canonical-json.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { OwnedInvariant, RecoveryGoal, RecoveryStage, StageReport } from './database-recovery.ts'

/** Where recovery of the isolated server stands. */
export interface IsolatedStanding {
  readonly replayedLsn: Lsn
  readonly timeline: number
  /** It reached the target and waits there. */
  readonly isPaused: boolean
  readonly isRecovering: boolean
  /** It has replayed all WAL that it has and waits for more. */
  readonly atEndOfWal: boolean
}

/** A value that a sequence has handed out, or may have. */
export interface SequenceHeight {
  readonly database: string
  readonly schema: string
  readonly name: string
  /** The furthest one upwards. Decimal, signed 64 bits. */
  readonly value: string
  /** The furthest one downwards: some sequences count that way. */
  readonly lowest: string
}

/** The same, where only the file is known (WAL). */
export interface SequenceFileHeight {
  /** Oid of the database, and relfilenode. */
  readonly database: number
  readonly file: number
  readonly value: string
  readonly lowest: string
}

/** A committed transaction whose rows are to be exported. */
export interface UndoneTransaction {
  readonly xid: number
  readonly subtransactions: readonly number[]
  /** Of its commit record. */
  readonly lsn: string
  readonly timeMicroseconds: number
}

/**
 * The copy of one member's database in a place of its own beside the member's directory, and the server on it that nobody but this
 * process reaches: no TCP, a socket directory of its own, no archiving, no upstream, no background programs of extensions. One place a run.
 */
export interface IsolatedDatabase {
  readonly name: string
  /** `undefined` when it was never written, or what it stands for is gone. */
  readReport(run: string, stage: RecoveryStage): Promise<StageReport | undefined>
  /** Durable when it resolves. */
  writeReport(run: string, stage: RecoveryStage, report: StageReport): Promise<void>
  /** What an interrupted restore of this run left is removed. Returns the empty directory to restore into, and its room. */
  begin(run: string): Promise<{ readonly directory: string; readonly freeBytes: number }>
  /** RECOVERY_VERSION (refused) unless the server's programs on this host are of this major version. */
  requireMajor(major: number): Promise<void>
  /** One whole segment or history file, in place of one that the snapshot brought. Durable after `settle`. */
  putWal(run: string, name: string, content: Uint8Array): Promise<void>
  /** The last act of a restore: own settings, standby.signal, everything durable. Refuses a copy without backup_label. */
  settle(run: string, systemIdentifier: string): Promise<void>
  /** Starts it when it does not run. `undefined` while it accepts no session. Throws RECOVERY_SERVER_ENDED (permanent) when it ended. */
  standing(run: string, goal: RecoveryGoal): Promise<IsolatedStanding | undefined>
  /** Of the server at the goal: whether it holds the commit of a transaction. */
  holdsCommit(run: string, xid: number): Promise<boolean>
  /**
   * Leaves recovery at the goal, in isolation, when it has not yet. Returns the new timeline, whose history says that it left the goal's
   * timeline there: RECOVERY_ELSEWHERE (permanent) otherwise.
   */
  open(run: string, goal: RecoveryGoal): Promise<number>
  /** Reads every relation of every database, compares indexes with tables where amcheck is to be had, and asks the owner's questions. */
  inspect(run: string, invariants: readonly OwnedInvariant[]): Promise<Inspection>
  /** Raises every sequence to at least these values. Returns how it stands afterwards. */
  raiseSequences(
    run: string,
    heights: readonly SequenceHeight[],
    files: readonly SequenceFileHeight[],
  ): Promise<{ readonly raised: readonly Json[]; readonly unknownFiles: number }>
  /** Ends it in an orderly way and returns where its WAL ends. */
  stop(run: string): Promise<{ readonly timeline: number; readonly shutdownLsn: Lsn }>
  /** Moves directories; see DatabaseRecovery. Returns where the old one is kept ('' when there was none). */
  install(run: string): Promise<{ readonly kept: string }>
  exists(run: string): Promise<boolean>
  discard(run: string): Promise<void>
}

/** What the server on the copy could reach while it was inspected, as the kernel of its host says. */
export interface SandboxNetwork {
  /** It ran in a network namespace of its own, with no interface but loopback. */
  readonly contained: boolean
  readonly interfaces: readonly string[]
}

/** Text is sorted by another version of a library here than where the copy comes from: these indexes may be out of order (T22). */
export interface ForeignCollation {
  readonly database: string
  readonly collation: string
  readonly recorded: string
  readonly here: string
  readonly indexes: readonly string[]
}

export interface Inspection {
  readonly network: SandboxNetwork
  readonly collations: readonly ForeignCollation[]
  readonly relations: number
  readonly pages: number
  readonly indexesCompared: number
  /** What could not be compared, and why. */
  readonly unchecked: readonly string[]
  readonly invariants: readonly { readonly name: string; readonly found: string; readonly holds: boolean }[]
  /** What is wrong; empty when nothing is. */
  readonly problems: readonly string[]
}

/** The database that is to be replaced, as long as it answers; and its directory as long as it lies there. */
export interface ReplacedDatabase {
  /** Where the WAL of the running server ends now; `undefined` when it does not answer. */
  flushedLsn(): Promise<Lsn | undefined>
  /** Writes the rows as NDJSON into the place of the run. */
  exportRows(run: string, transactions: readonly UndoneTransaction[]): Promise<ExportedRows>
  sequences(): Promise<readonly SequenceHeight[]>
  /** The highest timeline that its directory knows of. 0 without one. */
  newestTimeline(): Promise<number>
  /** History files and WAL of its pg_wal, by name. */
  walFiles(): Promise<readonly string[]>
  readWal(name: string): Promise<Uint8Array | undefined>
}

export interface ExportedRows {
  readonly file: string
  readonly rows: number
  readonly sha256: string
  readonly byTable: readonly { readonly table: string; readonly rows: number }[]
  /** Tables that lose their content in any recovery (unlogged), by name. */
  readonly unlogged: readonly string[]
}
