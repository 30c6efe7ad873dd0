import { decide, mayStart } from './decide.ts'
import type { RunEvent } from './run-event.ts'
import type { Alongside, RunJournal } from './run-journal.ts'
import { evolve } from './run-state.ts'
import { takeOver } from './take-over.ts'

/** Keeps a transaction below 128 operations and, with records of 64 KiB, below 1.5 MiB. */
const batchMax = 20

interface Waiting {
  readonly event: RunEvent
  readonly resolve: (written: boolean) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Appends of one executor, one transaction at a time; what comes in meanwhile goes together into the next one. After a failure
 * nothing is written any more.
 */
export class JournalWriter {
  readonly #journal: RunJournal
  readonly #changed: () => void
  readonly #failed: (reason: unknown) => void
  readonly #waiting: Waiting[] = []
  #tail: Promise<void> = Promise.resolve()
  #flushPlanned = false

  /** `failed` is called before anybody learns of a failure through a promise: a step must not take it for its own. */
  constructor(journal: RunJournal, changed: () => void, failed: (reason: unknown) => void) {
    this.#journal = journal
    this.#changed = changed
    this.#failed = failed
  }

  /** Resolves when durable. False: an intent that a pause, a cancel or a failure overtook; it was not written and must not happen. */
  async write(event: RunEvent): Promise<boolean> {
    const written = new Promise<boolean>((resolve, reject) => this.#waiting.push({ event, resolve, reject }))
    if (!this.#flushPlanned) {
      this.#flushPlanned = true
      this.#then(() => this.#flush()).catch((error: unknown) => {
        for (const { reject } of this.#waiting.splice(0)) reject(error)
      })
    }
    return await written
  }

  /** Raises the epoch once more (before a rollback). */
  async raiseEpoch(): Promise<void> {
    await this.#then(() => takeOver(this.#journal))
  }

  /** Reads what others appended, unless the change that was seen is one of our own. */
  async refresh(seenRevision: number): Promise<void> {
    await this.#then(async () => {
      if (this.#journal.headRevision < seenRevision) await this.#journal.refresh()
    })
  }

  /** Written only if it is still what the state asks for; false when something came between. */
  async finish(alongside: Alongside): Promise<boolean> {
    let finished = false
    await this.#then(async () => {
      for (;;) {
        const [request] = decide(this.#journal.state, new Set())
        if (request?.type !== 'finish') return
        const { type: _, ...ending } = request
        finished = await this.#journal.append([{ type: 'finished', ...ending }], alongside)
        if (finished) return
      }
    })
    return finished
  }

  async #then(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work).catch((error: unknown) => {
      this.#failed(error)
      throw error
    })
    // Every later piece of work fails with it.
    this.#tail = done
    await done
    this.#changed()
  }

  async #flush(): Promise<void> {
    this.#flushPlanned = false
    const batch = this.#waiting.splice(0)
    try {
      for (let at = 0; at < batch.length; at += batchMax)
        await this.#writeBatch(batch.slice(at, at + batchMax))
    } catch (error) {
      this.#failed(error)
      for (const { reject } of batch) reject(error)
      throw error
    }
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    for (;;) {
      const admitted = this.#admitted(batch)
      const written =
        admitted.length === 0 || (await this.#journal.append(admitted.map(({ event }) => event)))
      if (!written) continue
      for (const waiting of batch) waiting.resolve(admitted.includes(waiting))
      return
    }
  }

  /** Outcomes are facts and always go in. An intent goes in only if the state, with all before it, still allows it. */
  #admitted(batch: readonly Waiting[]): readonly Waiting[] {
    let { state } = this.#journal
    return batch.filter(({ event }) => {
      if (event.type === 'intent' && !mayStart(state, event)) return false
      state = evolve(state, event)
      return true
    })
  }
}
