/** Work on one target never overlaps, whoever asks for it; what is asked of different targets goes on side by side. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  isFree(target: string): boolean {
    return !this.#last.has(target)
  }

  /** After everything that was asked for earlier on this target, done or failed. */
  async inTurn<Value>(target: string, work: () => Promise<Value>): Promise<Value> {
    const previous = this.#last.get(target) ?? Promise.resolve()
    const mine = previous.then(work)
    const settled = mine
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (this.#last.get(target) === settled) this.#last.delete(target)
      })
    this.#last.set(target, settled)
    return await mine
  }
}
