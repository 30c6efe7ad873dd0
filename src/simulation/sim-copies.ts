import { RecoveryError } from '../domain/recovery-error.ts'
import { lsnFromBigint } from '../domain/lsn.ts'
import type { ComponentId } from '../domain/id.ts'
import type { CopiesView, KeptCopies, KeptSnapshot, ResolvedPoint } from '../ports/kept-copies.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'

/** Snapshots on a disk that keeps what was finished. */
export interface SimVault {
  readonly component: ComponentId
  readonly snapshots: KeptSnapshot[]
}

export interface SimCopiesSetting {
  readonly loop: EventLoop
  readonly process: SimProcess
  readonly vault: SimVault
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
    const { component, snapshots } = this.#setting.vault
    const systemIdentifier = snapshots.at(-1)?.systemIdentifier ?? ''
    return {
      component,
      systemIdentifier,
      snapshots: [...snapshots],
      broken: [],
      brokenBefore: [],
      problems: [],
    }
  }

  async resolve(): Promise<ResolvedPoint> {
    return Promise.reject(unreachable('nothing is archived in this simulation'))
  }

  async snapshots(): Promise<readonly KeptSnapshot[]> {
    return [...this.#setting.vault.snapshots]
  }

  async backUp(): Promise<KeptSnapshot> {
    const { loop, process, vault, primaries } = this.#setting
    const [primary] = primaries()
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
          takenAtMs: Math.round(loop.nowUs / 1000),
          verified: [],
        }
        vault.snapshots.push(made)
        resolve(made)
      }),
    )
    return promise
  }
}

function unreachable(message: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_NO_PRIMARY',
    class: 'transient',
    message,
    hint: 'see who leads with `pointzero status`, or name a standby with --member',
  })
}
