/** How often something is due. `everyMs` is the longest gap that the word allows (a month has 31 days, a day 25 hours at most once). */
export interface Interval {
  readonly every: string
  readonly everyMs: number
  /** `manual`: a person begins it, and is only told when it is overdue. Absent: the control plane begins it. */
  readonly start?: 'automatic' | 'manual'
}

/** Where sealed copies lie. Copies that share a failure domain count once (incident D05). */
export interface Store {
  readonly name: string
  readonly kind: 'file' | 's3'
  /** Region of the estate, or `offsite`: outside of every region, provider account and key of the estate. */
  readonly location: string
  /** Of kind file: the host whose agent keeps it. Absent: known to the estate, and out of reach of its agents. */
  readonly host?: string
  /** Provider, account and building; two stores that name the same one are lost together. */
  readonly failureDomain: string
  /** Absolute directory, or bucket and prefix `s3://bucket/prefix`. */
  readonly address: string
  readonly credentialsRef?: string
  readonly encryptionKeyRef?: string
  /** Absent: copies can be deleted by whoever holds the credentials, and readiness says so. */
  readonly lock?: StoreLock
}

export interface StoreLock {
  readonly mode: 'compliance' | 'governance' | 'advisory'
  readonly forMs: number
}

/** What is written down about a component so that it can come back. */
export interface Protection {
  readonly captures: readonly Capture[]
  readonly backups: readonly Backup[]
  readonly verification?: Verification
}

/** Continuous: everything up to `maxLagMs` ago is in the store. */
export interface Capture {
  readonly name: string
  readonly of: 'wal' | 'messages' | 'events' | 'blocks' | 'commands' | 'configuration'
  readonly stores: readonly string[]
  /** The longest that an acknowledged write may exist without being in the stores; measured, and an alarm beyond it. */
  readonly maxLagMs: number
  /** The write is acknowledged only when the store holds it: nothing is exposed. */
  readonly synchronous: boolean
  readonly keepMs: number
}

export interface Backup extends Interval {
  readonly name: string
  readonly type: 'full' | 'incremental' | 'snapshot' | 'copy'
  /** For a copy: the backup whose newest result is copied. */
  readonly copyOf?: string
  readonly stores: readonly string[]
  readonly keepMs: number
  /** Never fewer verified ones than this, however old (law 8). */
  readonly keepAtLeast: number
}

/** A backup counts as recoverable only after a restore of it was verified. */
export interface Verification extends Interval {
  readonly checks: readonly string[]
}

/** What the owner knows must hold of the data: a query and the one value it must return. */
export interface Invariant {
  readonly name: string
  readonly query: string
  readonly equals: string
}

/** How writes reach another region. */
export interface RegionReplication {
  readonly from: string
  readonly to: string
  readonly mode: 'synchronous' | 'asynchronous'
  /** Asynchronous: beyond this lag an alarm is raised; it bounds nothing by itself. */
  readonly alarmLagMs?: number
}

/** With two active regions each data set says who may write it, and what happens when both do. */
export interface Dataset {
  readonly name: string
  readonly writes: 'one-region' | 'every-region'
  /** Writes in one region: which one, or by which key the region is chosen. */
  readonly home?: string
  readonly replication: 'synchronous' | 'asynchronous'
  /** Asynchronous writes in every region: which of two conflicting writes wins. */
  readonly conflict?: 'last-writer-wins' | 'first-writer-wins' | 'merge' | 'keep-both-and-report'
  /** Synchronous: a region that is cut off stops writing, or goes on and is asynchronous from then on. */
  readonly onPartition?: 'stop' | 'continue-asynchronously'
}

/** How messages or events are put back. */
export interface Replay {
  readonly order: 'total' | 'per-stream' | 'per-key'
  /** Header or column by which a consumer recognises what it has already done. */
  readonly idempotencyKey: string
  readonly maxPerSecond?: number
  /** Who can publish everything again: with it a queue is not the only holder of a message. */
  readonly sourceOfTruth?: string
  readonly verify: readonly ('order' | 'completeness' | 'duplicates' | 'checksums' | 'state-hash')[]
}
