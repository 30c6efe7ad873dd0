import type { ArchiveDirectory } from './archive-directory.ts'
import type { ObjectStore } from './object-store.ts'

/** Sealed objects, read only. */
export type ObjectReader = Pick<ObjectStore, 'name' | 'get' | 'head' | 'list'>

/** A WAL archive, read only: segments, histories, ledger, commit clock. */
export type ArchiveReader = Pick<ArchiveDirectory, 'name' | 'list' | 'sizes' | 'sizeOf' | 'read'>

/**
 * What is kept of one component, readable from the host that it is restored on, wherever it lies: a directory of this host, or a store behind
 * the agent of another one. Nothing can be written or deleted through it, so a drill that holds one changes nothing there (law 2).
 * Errors: those of the two ports; STORE_UNREACHABLE (transient) while the host that keeps it does not answer.
 */
export interface RecoverySource {
  readonly vault: ObjectReader
  readonly archive: ArchiveReader
}

/** What a host that restores was given to open copies with. Plain data; it never leaves the process. */
export interface RecoveryKeyring {
  readonly vault: `vlt_${string}`
  /** Whose manifests are believed: raw Ed25519 keys in base64url by principal. */
  readonly writers: Readonly<Record<string, string>>
  /** PKCS 8, X25519. */
  readonly recoveryKeyPem: string
}

/** The way of one host to what is kept of the estate, put together at the rim. */
export interface RecoveryAccess {
  /** RECOVERY_SOURCE_ABSENT (permanent) when the estate keeps nothing of the component on any host. */
  source(component: string): Promise<RecoverySource>
  /** RECOVERY_KEY_ABSENT (refused) when this host was given none. */
  key(component: string): Promise<RecoveryKeyring>
}
