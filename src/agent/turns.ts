/** Effects on one target never overlap, whoever asks for them: an executor's requests and what the agent does by itself. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  isFree(target: string): boolean {
    return !this.#last.has(target)
  }

  /** After everything that was asked for earlier on this target, done or failed. */
  async inTurn(target: string, work: () => Promise<void>): Promise<void> {
    const previous = this.#last.get(target) ?? Promise.resolve()
    const mine = previous.then(work)
    const settled = mine
      .catch(() => undefined)
      .then(() => {
        if (this.#last.get(target) === settled) this.#last.delete(target)
      })
    this.#last.set(target, settled)
    await mine
  }
}

/** What a turn is taken on: one member, one gate or instance of this host, or a part of one. */
export function turnTarget(component: unknown, member: unknown, part = ''): string {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const whole = `${text(component)}/${text(member)}`
  return part === '' ? whole : `${whole}/${part}`
}
