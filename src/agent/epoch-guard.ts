import { RecoveryError } from '../domain/recovery-error.ts'
import type { AgentState } from './agent-state.ts'

/**
 * The highest epoch of each scope that this host has ever seen, durable before anything is done under it. An executor with a
 * lower one, however late it wakes, can do nothing here.
 */
export class EpochGuard {
  readonly #state: AgentState

  constructor(state: AgentState) {
    this.#state = state
  }

  /** Persists a higher epoch and lets a lower one pass: for who only looks. A look that is answered is remembered like an effect. */
  async note(scope: string, epoch: number): Promise<void> {
    requireEpoch(scope, epoch)
    requireNear(scope, epoch, this.#state.epochOf(scope))
    if (epoch > this.#state.epochOf(scope)) await this.#state.raiseEpoch(scope, epoch)
  }

  /** Persists a higher epoch; refuses a lower one, also when it was overtaken while it was being stored. */
  async admit(scope: string, epoch: number): Promise<void> {
    await this.note(scope, epoch)
    const highest = this.#state.epochOf(scope)
    if (epoch < highest) throw stale(scope, epoch, highest)
  }

  /** False for an executor that was superseded, as far as this host knows. */
  isCurrent({ scope, epoch }: { readonly scope: string; readonly epoch: number }): boolean {
    return epoch >= this.#state.epochOf(scope)
  }

  /** Takes over epochs learned from a heartbeat; lower ones are ignored, they are merely old news. */
  async learn(epochs: readonly { readonly scope: string; readonly epoch: number }[]): Promise<void> {
    for (const { scope, epoch } of epochs) {
      if (epoch > this.#state.epochOf(scope)) await this.#state.raiseEpoch(scope, epoch)
    }
  }
}

/** Compared with a number, anything else is neither lower nor higher, and would pass. */
function requireEpoch(scope: unknown, epoch: unknown): void {
  if (typeof scope === 'string' && scope !== '' && Number.isSafeInteger(epoch) && Number(epoch) >= 1) return
  throw new RecoveryError({
    code: 'EPOCH_INVALID',
    class: 'refused',
    message: `${JSON.stringify(epoch) ?? 'nothing'} is no epoch of a scope ${JSON.stringify(scope) ?? 'without a name'}`,
    hint: 'run `pointzero --version` on both hosts and install the same release',
  })
}

/** Epochs grow by one. A leap to the end of the numbers would shut everybody out of the scope for good. */
const leapMax = 1_000_000

function requireNear(scope: string, epoch: number, highest: number): void {
  if (epoch - highest <= leapMax) return
  throw new RecoveryError({
    code: 'EPOCH_INVALID',
    class: 'refused',
    message: `epoch ${epoch} of ${scope} is far beyond ${highest}, the highest known here`,
    hint: 'compare with the epoch that `pointzero status` shows; look for who sent it',
  })
}

function stale(scope: string, epoch: number, highest: number): RecoveryError {
  return new RecoveryError({
    code: 'EPOCH_STALE',
    class: 'refused',
    message: `epoch ${epoch} of ${scope} was superseded by ${highest}`,
    hint: 'another executor took over: follow it with `pointzero runs`',
    context: { scope, epoch, highest },
  })
}
