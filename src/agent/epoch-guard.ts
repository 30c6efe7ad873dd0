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

  /** Persists a higher epoch; refuses a lower one. */
  async admit(scope: string, epoch: number): Promise<void> {
    const highest = this.#state.epochOf(scope)
    if (epoch < highest) throw stale(scope, epoch, highest)
    if (epoch > highest) await this.#state.raiseEpoch(scope, epoch)
  }

  /** Takes over epochs learned from a heartbeat; lower ones are ignored, they are merely old news. */
  async learn(epochs: readonly { readonly scope: string; readonly epoch: number }[]): Promise<void> {
    for (const { scope, epoch } of epochs) {
      if (epoch > this.#state.epochOf(scope)) await this.#state.raiseEpoch(scope, epoch)
    }
  }
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
