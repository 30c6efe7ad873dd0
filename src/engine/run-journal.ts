import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError, assert } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { ControlStore, StoreCompare, StoreEntry, StoreTransaction } from '../ports/control-store.ts'
import { chainStart, createRecord, verifyJournal } from './run-record.ts'
import type { RunHead } from './run-record.ts'
import type { RunEvent, RunRecord } from './run-event.ts'
import { evolve } from './run-state.ts'
import type { RunState } from './run-state.ts'
import { changesSummary, runSummaryText } from './run-summary.ts'
import type { StoreKeys } from './store-keys.ts'
import { patiently } from './store-patience.ts'

export interface JournalPlace {
  readonly clock: Clock
  readonly store: ControlStore
  readonly keys: StoreKeys
  readonly run: string
  /** Executor or principal: named in each record that it writes. */
  readonly writer: string
  readonly signal?: AbortSignal
}

/** What goes into the same transaction as the records. */
export interface Alongside {
  readonly compare: readonly StoreCompare[]
  readonly put: StoreTransaction['put']
}

/** One run journal in the control store, with the state that it means. Nothing is believed before its chain was verified. */
export class RunJournal {
  readonly place: JournalPlace
  #records: readonly RunRecord[] = []
  /** The records as they are stored: a refresh judges only what is not there yet. */
  #texts: readonly string[] = []
  #state: RunState | undefined
  #headRevision = 0
  /** Every append also compares this: the executor's epoch key at the revision that it wrote. */
  #guard: StoreCompare | undefined

  constructor(place: JournalPlace) {
    this.place = place
  }

  static async load(place: JournalPlace): Promise<RunJournal> {
    const journal = new RunJournal(place)
    await journal.refresh()
    if (journal.#records.length === 0) throw unknownRun(place.run)
    return journal
  }

  get records(): readonly RunRecord[] {
    return this.#records
  }

  get state(): RunState {
    assert(this.#state !== undefined, 'the run journal was opened or loaded')
    return this.#state
  }

  /** Revision of the head as last seen. */
  get headRevision(): number {
    return this.#headRevision
  }

  guardWith(guard: StoreCompare): void {
    this.#guard = guard
  }

  /** Reads what others appended. Fails with RUN_SUPERSEDED when another executor took over, RUN_JOURNAL_BROKEN when damaged. */
  async refresh(): Promise<void> {
    const { keys, run } = this.place
    const entries = await this.#patiently((store) => store.list(keys.run(run)))
    const head = entries.find(({ key }) => key === keys.runHead(run))
    const texts = entries.filter(({ key }) => key !== keys.runHead(run)).map(({ value }) => value)
    if (head === undefined && texts.length === 0) return
    if (!this.#texts.every((text, seq) => texts[seq] === text))
      throw journalBroken(run, 'records that were read before have changed since')
    const verdict = verifyJournal(run, texts, head?.value ?? '', this.#records)
    if (!verdict.intact) throw journalBroken(run, verdict.message)
    for (const { event } of verdict.records.slice(this.#records.length))
      this.#state = evolve(this.#state, event)
    this.#records = verdict.records
    this.#texts = texts
    this.#headRevision = head?.revision ?? 0
    await this.#checkGuard()
  }

  /**
   * One transaction: all of the events or none. False: somebody else appended first; the state is fresh, decide again.
   * An unknown outcome is read back before the very same records are sent again.
   */
  async append(
    events: readonly RunEvent[],
    alongside: Alongside = { compare: [], put: [] },
  ): Promise<boolean> {
    const records = this.#chain(events)
    const texts = records.map((record) => canonicalJson(record as unknown as Json))
    const transaction = this.#transaction(records, texts, alongside)
    const result = await this.#patiently(async (store) => {
      try {
        return await store.transact(transaction)
      } catch (error) {
        const landed = await this.#landed(error, records)
        if (landed === undefined) throw error
        return { succeeded: true, revision: landed.revision }
      }
    })
    const revision = result.succeeded
      ? result.revision
      : (await this.#patiently(() => this.#stored(records)))?.revision
    if (revision === undefined) {
      await this.refresh()
      return false
    }
    for (const { event } of records) this.#state = evolve(this.#state, event)
    this.#records = [...this.#records, ...records]
    this.#texts = [...this.#texts, ...texts]
    this.#headRevision = revision
    return true
  }

  #chain(events: readonly RunEvent[]): readonly RunRecord[] {
    const { run, writer, clock } = this.place
    const atMs = clock.now()
    const records: RunRecord[] = []
    for (const event of events) {
      const prev = (records.at(-1) ?? this.#records.at(-1))?.hash ?? chainStart
      const seq = this.#records.length + records.length
      // Through JSON and back: what this process goes on with is what a reader of the journal would see.
      const stored = JSON.parse(canonicalJson(event as unknown as Json)) as RunEvent
      records.push(createRecord({ run, seq, prev, atMs, writer, event: stored }))
    }
    return records
  }

  #transaction(
    records: readonly RunRecord[],
    texts: readonly string[],
    alongside: Alongside,
  ): StoreTransaction {
    const { keys, run } = this.place
    const last = records.at(-1)
    assert(last !== undefined, 'an append has events')
    const state = records.reduce<RunState | undefined>(
      (before, { event }) => evolve(before, event),
      this.#state,
    )
    const status = state?.finished?.status ?? (state?.paused === true ? 'paused' : 'open')
    const head: RunHead = { seq: last.seq, hash: last.hash, status }
    const key = ({ seq }: RunRecord): string => keys.runRecord(run, seq)
    return {
      compare: [
        ...records.map((record) => ({ key: key(record), revision: 0 })),
        { key: keys.runHead(run), revision: this.#headRevision },
        ...(this.#guard === undefined ? [] : [this.#guard]),
        ...alongside.compare,
      ],
      put: [
        ...texts.map((value, index) => ({ key: key(records[index] as RunRecord), value })),
        { key: keys.runHead(run), value: canonicalJson(head as unknown as Json) },
        ...this.#summary(records, status),
        ...alongside.put,
      ],
    }
  }

  #summary(records: readonly RunRecord[], status: RunHead['status']): StoreTransaction['put'] {
    const first = this.#records[0] ?? records[0]
    if (first === undefined || !records.some(({ event }) => changesSummary(event))) return []
    const value = runSummaryText(first, status)
    return value === undefined ? [] : [{ key: this.place.keys.runIndex(this.place.run), value }]
  }

  async #landed(error: unknown, records: readonly RunRecord[]): Promise<StoreEntry | undefined> {
    const unknown = error instanceof RecoveryError && error.class === 'unknown-outcome'
    return unknown ? await this.#stored(records) : undefined
  }

  /** The first of our records as the store holds it: there only if the whole transaction succeeded. */
  async #stored(records: readonly RunRecord[]): Promise<StoreEntry | undefined> {
    const [first] = records
    assert(first !== undefined, 'an append has events')
    const entry = await this.place.store.get(this.place.keys.runRecord(this.place.run, first.seq))
    return entry?.value === canonicalJson(first as unknown as Json) ? entry : undefined
  }

  async #checkGuard(): Promise<void> {
    const guard = this.#guard
    if (guard === undefined) return
    const entry = await this.#patiently((store) => store.get(guard.key))
    if (entry?.revision !== guard.revision) throw superseded(this.place.run, entry?.value)
  }

  async #patiently<T>(operation: (store: ControlStore) => Promise<T>): Promise<T> {
    const { clock, store, signal } = this.place
    return await patiently(clock, signal, () => operation(store))
  }
}

function unknownRun(run: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_UNKNOWN',
    class: 'refused',
    message: `there is no run ${run} in this estate`,
    hint: 'list them with `pointzero runs`',
  })
}

function journalBroken(run: string, message: string): RecoveryError {
  return new RecoveryError({
    code: 'RUN_JOURNAL_BROKEN',
    class: 'refused',
    message: `the journal of ${run} can not be trusted: ${message}`,
    hint: `look at it with \`pointzero show ${run} --json\`; find out who changed it before anything else; then make a new plan`,
  })
}

function superseded(run: string, holder: string | undefined): RecoveryError {
  return new RecoveryError({
    code: 'RUN_SUPERSEDED',
    class: 'refused',
    message: `another executor took the scope of ${run} over: ${holder ?? 'its epoch is gone'}`,
    hint: `nothing more happens here; follow it with \`pointzero show ${run}\``,
  })
}
