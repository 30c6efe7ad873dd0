import type { Files } from '../../src/ports/files.ts'

/** A disk in memory. `fails` makes the next replacements fail; `hold` keeps them under way until the returned function is called. */
export class MemoryFiles implements Files {
  readonly content = new Map<string, Uint8Array>()
  fails = false
  #gate: Promise<void> = Promise.resolve()

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.content.get(path)
  }

  async replace(path: string, content: Uint8Array): Promise<void> {
    await this.#gate
    if (this.fails) throw new Error('no space left on device')
    this.content.set(path, content)
  }

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return resolve
  }

  text(path: string): string {
    return new TextDecoder().decode(this.content.get(path))
  }

  write(path: string, text: string): void {
    this.content.set(path, new TextEncoder().encode(text))
  }
}
