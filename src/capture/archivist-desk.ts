import type { CaptureEvent } from './capture-event.ts'

/** What the desk needs of an archivist. */
interface Noting {
  readonly newRelations: number
  note(event: CaptureEvent): void
  settled(): Promise<void>
  close(): Promise<void>
}

/**
 * Where the receiver's events wait until there is an archivist: an empty archive is bound to its database by the first contact, so the archivist
 * opens later than the receiver. One is opened at most, however many events ask for it at once: two would write one ledger.
 */
export class ArchivistDesk {
  readonly #openArchivist: () => Promise<Noting | undefined>
  #archivist: Noting | undefined
  #early: CaptureEvent[] = []
  #opening: Promise<void> = Promise.resolve()

  /** `openArchivist` resolves to nothing while the archive is not bound yet, and is asked again at the next event. */
  constructor(openArchivist: () => Promise<Noting | undefined>) {
    this.#openArchivist = openArchivist
  }

  get newRelations(): number {
    return this.#archivist?.newRelations ?? 0
  }

  /** Returns at once. */
  note(event: CaptureEvent): void {
    if (this.#archivist !== undefined) {
      this.#archivist.note(event)
      return
    }
    this.#early.push(event)
    this.open().catch(() => undefined)
  }

  /** One attempt after the other; nothing when it is open. Rejects, now and ever after, when it could not be opened. */
  async open(): Promise<void> {
    this.#opening = this.#opening.then(async () => {
      if (this.#archivist !== undefined) return
      const archivist = await this.#openArchivist()
      if (archivist === undefined) return
      this.#archivist = archivist
      for (const event of this.#early) archivist.note(event)
      this.#early = []
    })
    await this.#opening
  }

  /** Rejects when something could not be opened or written. */
  async settled(): Promise<void> {
    await this.#opening
    await this.#archivist?.settled()
  }

  async close(): Promise<void> {
    await this.#opening.catch(() => undefined)
    await this.#archivist?.close()
  }
}
