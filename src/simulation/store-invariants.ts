import { InvariantBroken } from './invariants.ts'
import type { StoreEntry } from '../ports/control-store.ts'

interface AppliedCall {
  readonly authority: { readonly run: string; readonly step: string; readonly attempt: number; readonly scope: string; readonly epoch: number }
}

/** What must hold of the control store at every put, and of every effect that an executor asks an agent for. */
export class StoreInvariants {
  readonly #intents = new Set<string>()
  /** Highest epoch that a host is known to have accepted. */
  readonly #accepted = new Map<string, number>()

  put(entry: StoreEntry, before: StoreEntry | undefined): void {
    const { key, value } = entry
    if (key.includes('/records/')) {
      if (before !== undefined) broken('run journals are append-only', `${key} was written twice`)
      this.#note(value)
    } else if (key.includes('/approval-uses/')) {
      if (before !== undefined) broken('an approval is used once', key)
    } else if (key.includes('/epochs/') || key.includes('/leaders/')) {
      if (before !== undefined && epochOf(value) < epochOf(before.value)) broken('epochs never decrease', key)
    } else if (key.includes('/open/') && before !== undefined) {
      const [was, is] = [runOf(before.value), runOf(value)]
      if (was !== '' && is !== '' && was !== is) broken('one open run a scope', `${is} opened while ${was} was open`)
    }
  }

  /** Law 6: when the request for an effect arrives, the intent is in the store already. */
  applied(call: AppliedCall): void {
    const { run, step, attempt } = call.authority
    if (!this.#intents.has(`${run}/${step}/${attempt}`)) {
      broken('intent is durable before its effect', `step ${step}, attempt ${attempt} of ${run} reached its agent without`)
    }
  }

  /** Highest epoch that the host had accepted when this request arrived. */
  acceptedBefore(host: string, scope: string): number {
    return this.#accepted.get(`${host} ${scope}`) ?? 0
  }

  accepted(host: string, call: AppliedCall['authority'], highestAtArrival: number): void {
    const { scope, epoch } = call
    if (epoch < highestAtArrival) broken('a superseded executor has no effect', `${host} accepted epoch ${epoch} after ${highestAtArrival}`)
    const key = `${host} ${scope}`
    this.#accepted.set(key, Math.max(this.#accepted.get(key) ?? 0, epoch))
  }

  #note(value: string): void {
    if (!value.includes('"type":"intent"')) return
    const { run, event } = JSON.parse(value) as { run: string; event: { step: string; attempt: number } }
    this.#intents.add(`${run}/${event.step}/${event.attempt}`)
  }
}

function broken(invariant: string, message: string): never {
  throw new InvariantBroken(invariant, message)
}

function epochOf(value: string): number {
  return (JSON.parse(value) as { epoch: number }).epoch
}

function runOf(value: string): string {
  return (JSON.parse(value) as { run: string }).run
}
