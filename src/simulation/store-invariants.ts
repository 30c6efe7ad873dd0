import type { ActionCall } from '../agent/wire.ts'
import { agentMethods } from '../agent/wire.ts'
import type { RunEvent } from '../engine/run-event.ts'
import type { Counters } from './counters.ts'
import { InvariantBroken } from './invariants.ts'
import type { StoreEntry } from '../ports/control-store.ts'

/** A request that reached the process that serves it. */
export interface ObservedCall {
  readonly to: string
  readonly method: string
  readonly body: unknown
  /** Highest epoch that `to` was known to have accepted when it arrived. */
  highestAccepted: number
  /** An effect of a step that was over already when the request arrived. */
  isLate?: boolean
}

/** The epoch under which something is asked of an agent; undefined for what needs none. */
function claimOf({
  method,
  body,
}: ObservedCall): { readonly scope: string; readonly epoch: number } | undefined {
  if (method === agentMethods.announce) return body as { readonly scope: string; readonly epoch: number }
  // A look that was answered is remembered by its agent like an effect.
  const isAction = method === agentMethods.actionApply || method === agentMethods.actionObserve
  return isAction ? (body as ActionCall).authority : undefined
}

/** What must hold of the control store at every put, and of every effect that an executor asks an agent for. */
export class StoreInvariants {
  readonly #counters: Counters
  readonly #intents = new Set<string>()
  /** Of which no outcome is known, by run and step. */
  readonly #openIntents = new Map<string, string>()
  /** Newest attempt of a step that is known to be done or undone, by run and step. */
  readonly #over = new Map<string, number>()
  /** Highest epoch that a host is known to have accepted. */
  readonly #accepted = new Map<string, number>()

  constructor(counters: Counters) {
    this.#counters = counters
  }

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
      if (was !== '' && is !== '' && was !== is)
        broken('one open run a scope', `${is} opened while ${was} was open`)
    }
  }

  called(call: ObservedCall): void {
    const claimed = claimOf(call)
    if (claimed === undefined) return
    call.highestAccepted = this.#accepted.get(`${call.to} ${claimed.scope}`) ?? 0
    if (call.method !== agentMethods.actionApply) return
    const { run, step, attempt } = (call.body as ActionCall).authority
    call.isLate = attempt <= (this.#over.get(`${run}/${step}`) ?? 0)
    // Law 6: when the request for an effect arrives, the intent is in the store already.
    if (!this.#intents.has(`${run}/${step}/${attempt}`)) {
      broken(
        'intent is durable before its effect',
        `step ${step}, attempt ${attempt} of ${run} reached ${call.to} without`,
      )
    }
  }

  answered(call: ObservedCall, ok: boolean, code: string): void {
    const claimed = claimOf(call)
    if (claimed === undefined) return
    if (!ok) {
      if (code === 'EPOCH_STALE' && call.method !== agentMethods.actionObserve)
        this.#counters.add('superseded-effect-refused')
      if (code === 'TICKET_STALE')
        this.#counters.add(`stale-effect-refused${call.isLate === true ? ':late' : ''}`)
      return
    }
    const { scope, epoch } = claimed
    if (call.isLate === true) {
      const { step, attempt } = (call.body as ActionCall).authority
      broken(
        'a late request has no effect',
        `${call.to} accepted ${step}, attempt ${attempt}, which was over`,
      )
    }
    // A superseded executor may look, so only what is not a look breaks it.
    if (epoch < call.highestAccepted && call.method !== agentMethods.actionObserve) {
      broken(
        'a superseded executor has no effect',
        `${call.to} accepted epoch ${epoch} after ${call.highestAccepted}`,
      )
    }
    const key = `${call.to} ${scope}`
    this.#accepted.set(key, Math.max(this.#accepted.get(key) ?? 0, epoch))
  }

  #note(value: string): void {
    if (value.includes('"type":"opened"')) return
    const { run, event } = JSON.parse(value) as { readonly run: string; readonly event: RunEvent }
    if (event.type === 'intent') {
      const key = `${run}/${event.step}/${event.attempt}`
      if (this.#intents.has(key)) broken('an intent is recorded once', `${key} was appended again`)
      this.#intents.add(key)
      this.#openIntents.set(`${run}/${event.step}`, event.kind)
    } else if (event.type === 'outcome') {
      this.#openIntents.delete(`${run}/${event.step}`)
      if (event.result !== 'failed') this.#over.set(`${run}/${event.step}`, event.attempt)
    } else if (event.type === 'took-over') {
      for (const [key, kind] of this.#openIntents) {
        const [owner, step = ''] = key.split('/')
        if (owner === run) this.#counters.add(`taken-over-in:${kind === 'compensate' ? 'undo-' : ''}${step}`)
      }
    } else if (event.type === 'finished') this.#counters.add(`run-finished:${event.status}`)
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
