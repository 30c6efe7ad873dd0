import type { Position } from './estate-problem.ts'

/** Turns offsets in a text into lines and columns. Where lines begin is found once, when it is first asked. */
export class YamlPositions {
  readonly #text: string
  #lineStarts: readonly number[] | undefined

  constructor(text: string) {
    this.#text = text
  }

  at(offset: number): Position {
    const starts = (this.#lineStarts ??= lineStarts(this.#text))
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    const start = starts[low] ?? 0
    // Editors do not count a byte order mark.
    const mark = low === 0 && offset > 0 && this.#text.startsWith('\uFEFF') ? 1 : 0
    return { line: low + 1, column: offset - start - mark + 1 }
  }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
