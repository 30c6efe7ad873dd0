import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import type { LabNetwork } from '../../src/lab/lab-network.ts'
import type { LabState } from '../../src/lab/lab-state.ts'

/** Three members in three zones that promise to lose no acknowledged write, and a way for clients to whoever is primary. */
export interface Contender {
  readonly name: string
  readonly place: LabPlace
  readonly database: DatabaseAccess
  /** Resolves when one primary leads, both standbys stream and may take over, and clients are led to it. */
  settled(): Promise<ZoneHostName>
  /** The planned move; resolves when the contender says that it is done. */
  switchOver(from: ZoneHostName): Promise<void>
  /** After all processes of the zone were killed. */
  revive(zone: ZoneHostName): Promise<void>
  /** When the steps of the latest failover began and ended, in milliseconds of the wall clock. Only ours tells. */
  timeline?(): Promise<readonly Moment[]>
  /** Ends all of it and leaves nothing behind. */
  down(): Promise<void>
}

export interface LabPlace {
  readonly state: LabState
  readonly network: LabNetwork
}

export interface DatabaseAccess {
  readonly name: string
  readonly user: string
  readonly password: string
  /** PEM: who signs the certificates of its members. Absent: it speaks no TLS. */
  readonly authorityFile?: string
  readonly memberPort: number
  /** `address:port` where the writer connects. */
  readonly gate: string
}

export interface Moment {
  readonly what: string
  readonly atMs: number
}

export type ContenderUp = (say: (line: string) => void) => Promise<Contender>
