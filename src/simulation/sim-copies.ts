import { RecoveryError } from '../domain/recovery-error.ts'
import { lsnFromBigint } from '../domain/lsn.ts'
import type { ComponentId } from '../domain/id.ts'
import type {
  CopiesView,
  KeptCopies,
  KeptSnapshot,
  ResolvedPoint,
  RestoredSnapshot,
} from '../ports/kept-copies.ts'
import type { EventLoop } from './event-loop.ts'
import { onDisk } from './sim-archive.ts'
import type { SimKeptWal } from './sim-kept-wal.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import { lsnText } from './wal-record.ts'
import type { WalRecord } from './wal-record.ts'

/** Snapshots on a disk that keeps what was finished. */
export interface SimVault {
  readonly component: ComponentId
  readonly snapshots: KeptSnapshot[]
  readonly receipts: (RestoredSnapshot & { readonly atMs: number })[]
}

export interface SimCopiesSetting {
  readonly loop: EventLoop
  readonly process: SimProcess
  readonly vault: SimVault
  readonly random: SimRandom
  /** Where base backups are made beside runs; absent: only runs make them. */
  readonly keptWal: SimKeptWal | undefined
  /** Servers that a copy can be taken from now. */
  readonly primaries: () => readonly SimPostgres[]
}

const copyUs = 600_000

/** The agent that keeps a vault, as far as taking base backups goes. A copy whose primary or agent ends in the middle leaves nothing. */
export class SimCopies implements KeptCopies {
  readonly #setting: SimCopiesSetting

  constructor(setting: SimCopiesSetting) {
    this.#setting = setting
  }

  get component(): ComponentId {
    return this.#setting.vault.component
  }

  view(): CopiesView {
    const { component } = this.#setting.vault
    const capture = this.#setting.keptWal?.capture
    const snapshots = this.#listed()
    const systemIdentifier = snapshots.at(-1)?.systemIdentifier ?? ''
    return {
      component,
      systemIdentifier,
      snapshots: [...snapshots],
      broken: [],
      brokenBefore: [],
      problems: [],
      readAgeMs: 0,
      ...(capture === undefined ? {} : { capture }),
    }
  }

  async resolve(): Promise<ResolvedPoint> {
    return Promise.reject(unreachable('nothing is archived in this simulation'))
  }

  async snapshots(): Promise<readonly KeptSnapshot[]> {
    return this.#listed()
  }

  async confirmRestored(restored: RestoredSnapshot): Promise<void> {
    const { vault, process } = this.#setting
    await onDisk(this.#setting, () => vault.receipts.push({ ...restored, atMs: process.host.wallMs() }))
  }

  #listed(): readonly KeptSnapshot[] {
    const { vault, keptWal } = this.#setting
    const besideRuns = keptWal?.takesBases === true ? keptWal.snapshots : []
    const bases = besideRuns.map(({ id, last }, index) => keptBase(id, last, index + 1))
    return [...vault.snapshots, ...bases].map((one) => ({
      ...one,
      restorations: vault.receipts.filter(({ snapshot }) => snapshot === one.id),
    }))
  }

  async backUp(): Promise<KeptSnapshot> {
    const { loop, process, vault, primaries, keptWal } = this.#setting
    const [primary] = primaries()
    const last = primary?.wal.at(-1)
    if (primary === undefined) throw unreachable('no member is the primary')
    const { timeline } = primary
    const { systemIdentifier } = primary.directory
    const place = lsnFromBigint(BigInt(primary.wal.length) * 100n)
    const { promise, resolve, reject } = Promise.withResolvers<KeptSnapshot>()
    loop.after(copyUs, () =>
      process.deliver(() => {
        if (!primaries().includes(primary) || primary.timeline !== timeline) {
          reject(unreachable('the primary ended in the middle of the copy'))
          return
        }
        const sequence = vault.snapshots.length + 1
        const made = {
          id: `snapshot-${sequence}`,
          sequence,
          timeline,
          startLsn: place,
          endLsn: place,
          systemIdentifier,
          takenAtMs: process.host.wallMs(),
          verified: [],
          restorations: [],
        }
        vault.snapshots.push(made)
        if (keptWal?.takesBases === false && last !== undefined) keptWal.snapshots.push({ id: made.id, last })
        resolve(made)
      }),
    )
    return promise
  }
}

function keptBase(id: string, { timeline, lsn }: WalRecord, sequence: number): KeptSnapshot {
  const place = { startLsn: lsnText(lsn), endLsn: lsnText(lsn), systemIdentifier: '7000000000000000001' }
  return { id, sequence, timeline, ...place, takenAtMs: 0, verified: [], restorations: [] }
}

function unreachable(message: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_NO_PRIMARY',
    class: 'transient',
    message,
    hint: 'see who leads with `pointzero status`, or name a standby with --member',
  })
}
