import type { ConfiguredEndpoint } from './process-config.ts'

export const captureConfigFormat = 'pointzero/capture-config/1'

/** The file that `pointzero capture --config` reads: one database system, one archive. */
export interface CaptureConfig {
  readonly format: typeof captureConfigFormat
  /** Absolute; made when absent. */
  readonly archiveDirectory: string
  /** Every place where the primary may be. */
  readonly sources: readonly ConfiguredEndpoint[]
  /** A role with REPLICATION; with pg_monitor too the true state is shown. */
  readonly user: string
  /** `env:NAME` or `file:/absolute/path`. */
  readonly passwordRef?: string
  readonly tls?: {
    readonly policy: 'disable' | 'prefer' | 'require' | 'verify-full'
    readonly serverName?: string
    readonly certificateAuthoritiesFile?: string
  }
  /** Name in synchronous_standby_names and pg_stat_replication. */
  readonly applicationName: string
  /** Replication slot, made when it is missing. Absent: none, and an interruption may leave a hole. */
  readonly slot?: string
  readonly allowUnlimitedSlot?: boolean
  /** Bind the archive to this database system before the first contact. */
  readonly systemIdentifier?: string
  /** A database that ordinary sessions may use: for the synchronous state and the names of relations. */
  readonly database?: string
  readonly statusIntervalMs?: number
  readonly silenceMs?: number
}
