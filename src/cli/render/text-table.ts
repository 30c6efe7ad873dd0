import { plainText } from './plain-text.ts'

/** A name may hold a line break, which would pass for the next row. */
function cellText(text: string): string {
  return plainText(text).replaceAll('\n', '\\u000a')
}

/** Columns as wide as their widest cell, two spaces between them, nothing after the last. */
export function textTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [columns, ...rows].map((row) => row.map(cellText))
  const widths = columns.map((_, index) => Math.max(...all.map((row) => (row[index] ?? '').length)))
  return all
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
