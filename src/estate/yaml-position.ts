import type { Position } from './estate-problem.ts'

/** The line and column of an offset in the text. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const mark = lineStart === 0 && text.startsWith('\uFEFF') && offset > 0 ? 1 : 0
  return { line: before.split('\n').length, column: offset - lineStart - mark + 1 }
}
