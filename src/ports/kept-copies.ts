import type { ComponentId } from '../domain/id.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { ArchiveReader, ObjectReader } from './recovery-source.ts'

/** A base backup in a vault, as far as plans and people need to know it. */
export interface KeptSnapshot {
  readonly id: string
  /** Counts the snapshots of one component; never reused. */
  readonly sequence: number
  readonly timeline: number
  /** WAL is needed from here on, and the copy is consistent from `endLsn` on. */
  readonly startLsn: Lsn
  readonly endLsn: Lsn
  readonly systemIdentifier: string
  /** Wall clock of the host that made it. */
  readonly takenAtMs: number
  /** How far it was verified, from its signed receipts: `stored`, `read`, `restored`. Empty: never. */
  readonly verified: readonly string[]
  /** Restores of it that were replayed, checked and signed for, oldest first. */
  readonly restorations: readonly Restoration[]
}

export interface Restoration {
  readonly run: string
  readonly atMs: number
  /** WAL was replayed on top of it up to here. */
  readonly timeline: number
  readonly lsn: Lsn
}

/** What a run says of a snapshot that it brought back: plain data, signed as it is. */
export interface RestoredSnapshot {
  readonly snapshot: string
  /** SHA-256 of the manifest that it was restored by. */
  readonly manifest: string
  readonly run: string
  /** Name of the member beside which the copy stood. */
  readonly member: string
  readonly timeline: number
  readonly lsn: Lsn
  readonly files: number
  readonly bytes: number
  readonly walSegments: number
  readonly relations: number
  readonly pages: number
  readonly indexesCompared: number
  readonly invariants: number
  /** How many things could not be compared; the run names them. */
  readonly unchecked: number
  /** The copy could reach no network. */
  readonly contained: boolean
}

/** The true state of a capture at this moment. */
export interface CaptureView {
  /** Under which it receives. Absent: an agent of an older release. */
  readonly applicationName?: string
  readonly protection:
    | { readonly kind: 'sync' }
    | { readonly kind: 'streaming'; readonly exposedBytes: number }
    | { readonly kind: 'degraded'; readonly sinceMs: number; readonly reason: string }
  /** `host:port` of the primary. */
  readonly source: string | null
  readonly timeline: number | null
  /** Everything before is durable in the archive. */
  readonly durableLsn: Lsn | null
  /** How long ago it held all that the primary had; null when it never did. */
  readonly exposedMs: number | null
  readonly alarms: readonly string[]
}

/** What reading the archive and the signed documents of the vault showed last. */
export interface CopiesFinding {
  readonly systemIdentifier: string
  readonly snapshots: readonly KeptSnapshot[]
  /** Holes and damage on the way from the newest snapshot to the end of the archive: the newest state can not be reached. */
  readonly broken: readonly string[]
  /** The same before the newest snapshot: what is older can not be reached. */
  readonly brokenBefore: readonly string[]
  /** Of the vault. */
  readonly problems: readonly string[]
}

export interface CopiesView extends CopiesFinding {
  readonly component: ComponentId
  readonly capture?: CaptureView
  /** Age of the finding; absent when nothing was read yet. */
  readonly readAgeMs?: number
}

/** One commit or named point of the commit clock. */
export interface ClockMark {
  readonly kind: string
  readonly lsn: Lsn
  readonly xid: number
  readonly microseconds: number
  readonly name: string
}

/** One place in the WAL that recovery can stop at, and what it means to stop there. */
export interface ResolvedPoint {
  readonly timeline: number
  readonly lsn: Lsn
  readonly inclusive: boolean
  /** Where replay stands afterwards. */
  readonly reached: Lsn
  readonly snapshot: string
  /** The last commits that are kept, and the first that are undone. */
  readonly before: readonly ClockMark[]
  readonly after: readonly ClockMark[]
  readonly lastUndone?: ClockMark
  readonly undoneCommits: number
  /** Undone although their time is not after the wanted one. */
  readonly undoneEarlier: number
  readonly avoidedDrop?: AvoidedDrop
}

/** What was asked for lay within the drop of a database, and was moved to before that transaction began it. */
export interface AvoidedDrop {
  readonly xid: number
  /** Where replay would have stood. */
  readonly instead: Lsn
}

/** What one host keeps of one component. */
export interface KeptCopies {
  readonly component: ComponentId
  readonly archive?: ArchiveReader
  readonly vault?: ObjectReader
  /** Waits for nothing. */
  view(): CopiesView
  /** `time:<ISO 8601>`, `xid:<n>` (just before it was committed), `lsn:<X/Y>`, `name:<text>` or `end`. TARGET_UNREACHABLE (refused). */
  resolve(target: string): Promise<ResolvedPoint>
  /** Read from the vault now; by sequence. */
  snapshots(): Promise<readonly KeptSnapshot[]>
  /** Copies the primary of this moment into the vault. BACKUP_NO_WRITER (refused) where this host may not write. */
  backUp(): Promise<KeptSnapshot>
  /**
   * Writes a signed receipt into the vault; one more each time. VAULT_RECEIPT_FOREIGN (refused) when the vault has no such snapshot, or another
   * one under that name; BACKUP_NO_WRITER (refused).
   */
  confirmRestored(restored: RestoredSnapshot): Promise<void>
}
