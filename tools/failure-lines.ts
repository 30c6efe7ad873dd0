const linesMax = 120

/**
 * What node:test's spec reporter repeats at its end under "failing tests": shown once more after the last suite, where whoever has only the
 * end of the output looks. No more of it than fits on a few screens.
 */
export class FailureLines {
  readonly #lines: string[] = []
  #begun = false

  push(line: string): void {
    if (this.#begun) this.#lines.push(line)
    else this.#begun = line === '✖ failing tests:'
  }

  get lines(): readonly string[] {
    const left = this.#lines.length - linesMax
    return left <= 0
      ? this.#lines
      : [...this.#lines.slice(0, linesMax), `… and ${left} lines more, further up`]
  }
}
