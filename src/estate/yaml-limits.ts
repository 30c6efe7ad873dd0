/** Generous: brackets inside quoted text count too, because where quotes start is only known after parsing. */
const openBracketsMax = 500
const dashesMax = 64

/** The YAML package needs about 1.5 kB for each; a text of separators only must not exhaust the memory. */
export const separatorsMax = 1_000_000

export function separatorCount(text: string): number {
  let count = 0
  for (let offset = 0; offset < text.length; offset += 1) {
    const code = text.charCodeAt(offset)
    if (code === 0x2c || code === 0x0a || code === 0x3a) count += 1
  }
  return count
}

/**
 * Offset where the text nests deeper than any estate, found before a parser that recurses sees it. Absent when it does not.
 * Linear, and it counts generously: an offset is only given for a text that no estate resembles.
 */
export function nestingProblemAt(text: string): number | undefined {
  let open = 0
  let dashes = 0
  for (let offset = 0; offset < text.length; offset += 1) {
    switch (text.charCodeAt(offset)) {
      case 0x5b: // [
      case 0x7b: // {
        open += 1
        if (open > openBracketsMax) return offset
        break
      case 0x5d: // ]
      case 0x7d: // }
        open = Math.max(0, open - 1)
        break
      case 0x0a:
        dashes = 0
        break
      case 0x2d: // -
      case 0x3f: // ?
        if (text.charCodeAt(offset + 1) === 0x20) dashes += 1
        if (dashes > dashesMax) return offset
        break
      default:
    }
  }
  return undefined
}
