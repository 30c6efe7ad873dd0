import type { Clock } from '../../ports/clock.ts'
import type { Upstream } from '../../ports/database-member.ts'
import type { Log } from '../../ports/log.ts'

/** The operating-system user that PostgreSQL runs as; it refuses to be root. Absent: the user of this process. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/** PEM files of this host. They may change at any time: what is in them is taken while the server runs. */
export interface MemberTlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** One PostgreSQL on this host. Paths are absolute. */
export interface PostgresMemberConfig {
  /** The label under which it streams: its application_name. */
  readonly name: string
  readonly binDirectory: string
  readonly dataDirectory: string
  /** Where it listens for clients and other members. */
  readonly address: string
  readonly port: number
  readonly superuser: string
  /** The protected database; the canary ledger lives in it. */
  readonly database: string
  readonly password?: string
  readonly runAs?: RunAs
  /** Only for this member. Also holds the password file that libpq reads; made when it does not exist. */
  readonly socketDirectory: string
  /** Pinned at adoption. A cluster with another one is refused before any effect. */
  readonly systemIdentifier?: string
  readonly logFile: string
  /** HMAC key of the canary ledger. */
  readonly canaryKey: string
  /** What it proves itself with and whom it believes. Absent: nothing is encrypted by us, and no upstream is asked who it is. */
  readonly tls?: MemberTlsFiles
  /** Further lines for the settings file. What the fence depends on can not be changed here. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Copies the cluster at `upstream` into `targetDirectory`, which does not exist yet. Resolves when the copy is complete, verified and
 * durable, with the WAL that it needs to start.
 */
export type CloneDatabase = (targetDirectory: string, upstream: CloneSource) => Promise<void>

export interface CloneSource extends Upstream {
  readonly user: string
  readonly password?: string
  /** PEM of whoever signs certificates of members; the connection is then encrypted and the source is who it should be. */
  readonly authority?: string
  /** A cluster with another one is refused before anything is written. */
  readonly systemIdentifier: string
}

export interface PostgresEffects {
  readonly clock: Clock
  readonly log: Log
  readonly clone: CloneDatabase
}
