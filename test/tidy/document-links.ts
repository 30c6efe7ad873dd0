import { posix } from 'node:path'
import type { Problem } from './source-file.ts'

/** A Markdown file of the repository. */
export interface Document {
  /** From the root, with slashes: `docs/operate/install.md`. */
  readonly path: string
  readonly text: string
}

/** `exists` knows files and folders by their path from the root; `read` gives the text of a Markdown file there is. */
export interface Shelf {
  readonly exists: (path: string) => boolean
  readonly read: (path: string) => string
}

/** Every link to a place of this repository leads to a file or folder that there is, and to a heading that is in it. */
export function linkProblems({ path, text }: Document, shelf: Shelf): readonly Problem[] {
  return linksOf(text).flatMap((link) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return []
    if (link.startsWith('/')) return [`${path}: ${link} does not begin at this file`]
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
    const isThere = target === path || (!target.startsWith('..') && shelf.exists(target))
    if (!isThere) return [`${path}: ${link} leads nowhere`]
    if (anchor === undefined || !target.endsWith('.md')) return []
    const known = anchorsOf(target === path ? text : shelf.read(target))
    return known.has(anchor) ? [] : [`${path}: ${link}: there is no such heading`]
  })
}

function linksOf(text: string): readonly string[] {
  const prose = withoutCode(text)
  const inline = [...prose.matchAll(/\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g)]
  const defined = [...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)]
  return [...inline, ...defined].map(([, target = '']) => target)
}

/** As GitHub makes them: lower case, without punctuation, blanks as hyphens; and the ones that are written out. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...withoutFences(text).matchAll(/^#{1,6}\s+(.+?)\s*$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
  const written = [...text.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)
  return new Set([...headings, ...written])
}

function withoutFences(text: string): string {
  return text.replaceAll(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1\s*$/gm, '')
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '')
}
