/** A judgement takes milliseconds and comes every quarter of a second; one that is so old hangs. */
const judgedMaxAgeMs = 5_000

/** Whether one cluster is still judged. A watch that fails or hangs must not look like one that sees nothing wrong. */
export class ClusterSight {
  #sinceMs: number
  #failure = ''

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  judged(nowMs: number): void {
    this.#sinceMs = nowMs
    this.#failure = ''
  }

  /** True when it is news: the same failure comes again at every tick. */
  failed(failure: string): boolean {
    const isNews = failure !== this.#failure
    this.#failure = failure
    return isNews
  }

  /** Why nothing is decided about it now; undefined while it is judged. */
  blind(nowMs: number): string | undefined {
    const ageMs = nowMs - this.#sinceMs
    const last = `${(ageMs / 1_000).toFixed(1)} s`
    if (this.#failure !== '') return `judging it fails, for ${last}: ${this.#failure}`
    return ageMs > judgedMaxAgeMs ? `it was not judged for ${last}` : undefined
  }
}
