import type { Files } from '../ports/files.ts'

/**
 * What each run found in the vault before it began to back up, durable before it begins: a snapshot with a higher number is its own doing,
 * or as new as one of its own would be. One small file a run.
 */
export class BackupNotes {
  readonly #files: Files
  readonly #statePath: string

  constructor(files: Files, statePath: string) {
    this.#files = files
    this.#statePath = statePath
  }

  /** The highest number of a snapshot when the run began; undefined when it has not. */
  async begun(run: string): Promise<number | undefined> {
    const content = await this.#files.read(this.#pathOf(run))
    const found = content === undefined ? Number.NaN : Number(new TextDecoder().decode(content))
    return Number.isSafeInteger(found) ? found : undefined
  }

  async begin(run: string, sequence: number): Promise<void> {
    await this.#files.replace(this.#pathOf(run), new TextEncoder().encode(`${sequence}\n`))
  }

  #pathOf(run: string): string {
    return `${this.#statePath}.backup-${run.replaceAll(/[^a-z0-9_]/g, '')}`
  }
}
