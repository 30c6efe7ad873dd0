import { styleText } from 'node:util'
import type { Terminal } from '../terminal.ts'

export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', text: string) => string

/** Colour is never the only carrier of a meaning. */
export function paintFor(terminal: Pick<Terminal, 'hasColour'>): Paint {
  return terminal.hasColour
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_, text) => text
}
