import type { DeclaredPermission } from '../engine/declared-permission.ts'
import type { RunEvent } from '../engine/run-event.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { StoreKeys } from '../engine/store-keys.ts'
import type { ControlStore } from '../ports/control-store.ts'

export interface OpenRun {
  /** '' when none is. */
  readonly run: string
  readonly requestedBy: string
  readonly procedure: string
  readonly declared?: DeclaredPermission
}

const none: OpenRun = { run: '', requestedBy: '', procedure: '' }

/** Which run is open on a scope now, read from the store each time. */
export class OpenRuns {
  readonly #store: ControlStore
  readonly #keys: StoreKeys
  /** How a run was opened never changes once it is written, and stands in a record that holds a whole plan. */
  readonly #known = new Map<string, OpenRun>()

  constructor(store: ControlStore, estate: string) {
    this.#store = store
    this.#keys = storeKeys(estate)
  }

  async on(scope: string): Promise<OpenRun> {
    const entry = await this.#store.get(this.#keys.open(scope))
    const run = entry === undefined ? '' : (JSON.parse(entry.value) as { readonly run: string }).run
    if (run === '') return none
    const known = this.#known.get(run)
    if (known !== undefined) return known
    const first = await this.#store.get(this.#keys.runRecord(run, 0))
    if (first === undefined) return { ...none, run }
    const { event } = JSON.parse(first.value) as { readonly event: RunEvent }
    const opened = openedAs(run, event)
    this.#known.set(run, opened)
    return opened
  }
}

function openedAs(run: string, event: RunEvent): OpenRun {
  if (event.type !== 'opened') return { ...none, run }
  const { requestedBy, declared, plan } = event
  return { run, requestedBy, procedure: plan.procedure, ...(declared === undefined ? {} : { declared }) }
}
