import type { RunRecord } from '../engine/run-event.ts'
import type { RunSummary } from '../engine/run-summary.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { StoreKeys } from '../engine/store-keys.ts'
import { isCopiesScope } from '../estate/estate-lookup.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { PastRun } from '../watch/scheduled-decision.ts'

interface Indexed {
  readonly run: string
  readonly revision: number
  readonly summary: RunSummary
}

/** Of each procedure and scope: the rest after failures in a row grows no longer than for so many. */
const kept = 16

/**
 * Runs on copies that came to an end, as the store tells them: what a new process of the control plane knows as well as the one before. Only what
 * changed since the last look is read.
 */
export class PastRuns {
  readonly #store: ControlStore
  readonly #keys: StoreKeys
  readonly #indexed = new Map<string, Indexed>()
  readonly #ended = new Map<string, PastRun & { readonly revision: number }>()
  #revision = 0

  constructor(store: ControlStore, estate: string) {
    this.#store = store
    this.#keys = storeKeys(estate)
  }

  /** In the order in which they ended, which no clock decides. */
  async on(scope: string): Promise<readonly PastRun[]> {
    await this.#look()
    const own = [...this.#indexed.values()]
      .filter(({ summary }) => summary.scope === scope)
      .toSorted((left, right) => left.revision - right.revision)
    const byProcedure = [...Map.groupBy(own, ({ summary }) => summary.procedure).values()]
    const newest = byProcedure.flatMap((runs) => runs.slice(-kept))
    for (const { run } of own) if (!newest.some((one) => one.run === run)) this.#forget(run)
    const ended: (PastRun & { readonly revision: number })[] = []
    for (const one of newest) ended.push(await this.#end(one))
    return ended.toSorted((left, right) => left.revision - right.revision)
  }

  async #look(): Promise<void> {
    const { runIndexes } = this.#keys
    for (const { key, value, revision } of await this.#store.changes(runIndexes, this.#revision, 0)) {
      this.#revision = Math.max(this.#revision, revision)
      const run = key.slice(runIndexes.length)
      const summary = JSON.parse(value) as RunSummary
      if (!isCopiesScope(summary.scope)) continue
      // One that failed may be taken up again: then it has not ended.
      this.#forget(run)
      if (summary.status !== 'open' && summary.status !== 'paused')
        this.#indexed.set(run, { run, revision, summary })
    }
  }

  #forget(run: string): void {
    this.#indexed.delete(run)
    this.#ended.delete(run)
  }

  async #end({ run, revision, summary }: Indexed): Promise<PastRun & { readonly revision: number }> {
    const known = this.#ended.get(run)
    if (known !== undefined) return known
    const entries = await this.#store.list(`${this.#keys.run(run)}records/`)
    const records = entries.map(({ value }) => JSON.parse(value) as RunRecord)
    const { procedure, openedAtMs, status } = summary
    const isCancelled = records.some(({ event }) => event.type === 'cancel-requested')
    const outcome = status.startsWith('completed') ? 'completed' : isCancelled ? 'cancelled' : 'failed'
    const endedAtMs = records.at(-1)?.atMs ?? openedAtMs
    const ended = { run, procedure, outcome, openedAtMs, endedAtMs, revision } as const
    this.#ended.set(run, ended)
    return ended
  }
}
