import { YamlPositions } from './yaml-position.ts'
import type { EstatePath, Position } from './estate-problem.ts'

/**
 * Reads the part of YAML that estates are written in: block maps and lists, flow collections, scalars on one line. It knows nothing of errors: for
 * everything else (anchors, tags, block scalars, tabs, blank values, duplicate keys, anything wrong) the answer is undefined, and the
 * YAML package reads the text again. A test holds the two against each other: what is accepted here means the same there.
 *
 * It exists because the package needs 2.3 s and 1.5 GB for ten thousand components (bench/estate-check.ts).
 */
export function readPlainYaml(text: string): PlainYaml | undefined {
  if (unusual.test(text)) return undefined
  const reader = new PlainReader(text)
  try {
    return new PlainYaml(text, reader.document(), reader.offsets)
  } catch (error) {
    if (error === notPlain) return undefined
    throw error
  }
}

export class PlainYaml {
  readonly value: unknown
  readonly #positions: YamlPositions
  readonly #offsets: ReadonlyMap<object, readonly number[]>
  /** Where each key stands in its map, of the maps that were asked about. */
  readonly #orders = new Map<object, ReadonlyMap<string, number>>()

  constructor(text: string, value: unknown, offsets: ReadonlyMap<object, readonly number[]>) {
    this.#positions = new YamlPositions(text)
    this.value = value
    this.#offsets = offsets
  }

  locate(path: EstatePath, part: 'key' | 'value'): Position {
    let holder = this.value
    let offset = 0
    for (const [at, step] of path.entries()) {
      if (typeof holder !== 'object' || holder === null) break
      const index = Array.isArray(holder) ? Number(step) : (this.#orderOf(holder).get(String(step)) ?? -1)
      const offsets = this.#offsets.get(holder) ?? []
      const [key, value] = [offsets[index * 2], offsets[index * 2 + 1]]
      if (key === undefined || value === undefined) break
      offset = at === path.length - 1 && part === 'value' ? value : key
      holder = (holder as Record<string | number, unknown>)[step]
    }
    return this.#positions.at(offset)
  }

  #orderOf(holder: object): ReadonlyMap<string, number> {
    const known = this.#orders.get(holder)
    if (known !== undefined) return known
    const order = new Map(Object.keys(holder).map((key, index) => [key, index]))
    this.#orders.set(holder, order)
    return order
  }
}

/** Control characters, tabs, carriage returns, exotic line breaks, byte order marks, surrogates, document markers and directives. */
const unusual = /[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]|^(?:---|\.\.\.|%)/m

/** Thrown and caught in this file only: leaving a recursive reader is what exceptions are good at. */
const notPlain = new Error('not plain YAML')

const depthMax = 32
const keyForm = /[A-Za-z_][\w.-]*(?=:(?: |$))/my
const reserved = new Set(['__proto__', 'constructor', 'prototype'])
const special = /^(?:null|Null|NULL|~|true|True|TRUE|false|False|FALSE|\.(?:inf|Inf|INF|nan|NaN|NAN))$/

/** A plain scalar begins with none of the indicators; a hyphen only before a word. */
const plainStart = /[A-Za-z0-9_/.$(<=+\\^;\xa0-\uffff]|-(?=[A-Za-z0-9-])/y
const blockPlain = /(?:[^\n:# ]|:(?=[^\n ])|(?<=[^\n ])#| (?=[^\n #]))+/y
const flowPlain = /(?:[^\n:#,[\]{} ]|:(?=[^\n ,[\]{}])|(?<=[^\n ,[\]{}])#| (?=[^\n #,[\]{}]))+/y
const singleQuoted = /'((?:[^'\n]|'')*)'/y
const doubleQuoted = /"([^"\\\n]*)"/y
const restOfLine = / *(?: #[^\n]*)?(?:\n|$)/y

class PlainReader {
  readonly offsets = new Map<object, readonly number[]>()
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): unknown {
    if (this.#nextIndent() !== 0) throw notPlain
    const value = this.#blockHere(0)
    if (this.#at < this.#text.length) throw notPlain
    return value
  }

  /** Skips blank lines and comments; leaves the cursor at the first character of the next line with something on it. */
  #nextIndent(): number {
    const text = this.#text
    for (;;) {
      let at = this.#at
      while (text.charCodeAt(at) === 0x20) at += 1
      const code = text.charCodeAt(at)
      if (code === 0x0a) this.#at = at + 1
      else if (code === 0x23) this.#at = lineEnd(text, at)
      else {
        const indent = at - this.#at
        if (at < text.length) return indent
        this.#at = at
        return -1
      }
    }
  }

  /** A block map or list whose lines start in column `indent`, where the cursor is. */
  #blockHere(indent: number): unknown {
    this.#depth += 1
    if (this.#depth > depthMax) throw notPlain
    const isList = this.#text.startsWith('- ', this.#at)
    const value = isList ? this.#blockList(indent) : this.#blockMap(indent)
    this.#depth -= 1
    return value
  }

  #blockMap(indent: number): unknown {
    const value: Record<string, unknown> = {}
    const offsets: number[] = []
    do {
      const keyAt = this.#at
      const key = this.#match(keyForm)
      if (key in value || reserved.has(key) || special.test(key)) throw notPlain
      this.#at += 1
      offsets.push(keyAt)
      value[key] = this.#mapValue(indent, offsets)
    } while (this.#continues(indent))
    this.offsets.set(value, offsets)
    return value
  }

  /** After `key:`. A list may stand in the column of its key. */
  #mapValue(indent: number, offsets: number[]): unknown {
    if (!this.#endsLine()) {
      this.#skipSpaces()
      offsets.push(this.#at)
      return this.#inline(indent)
    }
    const next = this.#nextIndent()
    const isList = this.#text.startsWith('- ', this.#at + next)
    if (next < indent || (next === indent && !isList)) throw notPlain
    this.#at += next
    offsets.push(this.#at)
    if (isList || this.#isKey()) return this.#blockHere(next)
    if (!this.#isFlowStart() && !this.#isQuote()) throw notPlain
    return this.#inline(indent)
  }

  #blockList(indent: number): unknown {
    const value: unknown[] = []
    const offsets: number[] = []
    do {
      if (!this.#text.startsWith('- ', this.#at)) throw notPlain
      this.#at += 2
      const spaces = this.#skipSpaces()
      offsets.push(this.#at, this.#at)
      value.push(this.#isKey() ? this.#blockHere(indent + 2 + spaces) : this.#inline(indent))
    } while (this.#continues(indent, true))
    this.offsets.set(value, offsets)
    return value
  }

  /** Whether the next line belongs to the collection in this column; a deeper one would continue a scalar, which is not plain. */
  #continues(indent: number, asList = false): boolean {
    const next = this.#nextIndent()
    if (next > indent) throw notPlain
    if (next < indent) return false
    if (asList && !this.#text.startsWith('- ', this.#at + next)) return false
    this.#at += indent
    return true
  }

  /** A value on the rest of the line, or a flow collection that starts there. */
  #inline(indent: number): unknown {
    const value = this.#isFlowStart() ? this.#flow(indent) : this.#scalar(blockPlain)
    if (!this.#endsLine()) throw notPlain
    return value
  }

  #isKey(): boolean {
    keyForm.lastIndex = this.#at
    return keyForm.test(this.#text)
  }

  #isQuote(): boolean {
    const code = this.#text.charCodeAt(this.#at)
    return code === 0x27 || code === 0x22
  }

  #isFlowStart(): boolean {
    const code = this.#text.charCodeAt(this.#at)
    return code === 0x7b || code === 0x5b
  }

  #flow(indent: number): unknown {
    this.#depth += 1
    if (this.#depth > depthMax) throw notPlain
    const isMap = this.#text.charCodeAt(this.#at) === 0x7b
    this.#at += 1
    const value = isMap ? this.#flowMap(indent) : this.#flowList(indent)
    this.#depth -= 1
    return value
  }

  #flowMap(indent: number): unknown {
    const value: Record<string, unknown> = {}
    const offsets: number[] = []
    while (!this.#closes(indent, 0x7d)) {
      const keyAt = this.#at
      const key = this.#match(keyForm)
      if (key in value || reserved.has(key) || special.test(key)) throw notPlain
      if (this.#text.charCodeAt(this.#at + 1) !== 0x20) throw notPlain
      this.#at += 2
      this.#skipSpaces()
      offsets.push(keyAt, this.#at)
      value[key] = this.#isFlowStart() ? this.#flow(indent) : this.#scalar(flowPlain)
      this.#separate(indent, 0x7d)
    }
    this.offsets.set(value, offsets)
    return value
  }

  #flowList(indent: number): unknown {
    const value: unknown[] = []
    const offsets: number[] = []
    while (!this.#closes(indent, 0x5d)) {
      offsets.push(this.#at, this.#at)
      value.push(this.#isFlowStart() ? this.#flow(indent) : this.#scalar(flowPlain))
      this.#separate(indent, 0x5d)
    }
    this.offsets.set(value, offsets)
    return value
  }

  /** Steps over a comma; what else may stand here is the closing bracket, which stays. */
  #separate(indent: number, close: number): void {
    this.#skipInFlow(indent)
    const code = this.#text.charCodeAt(this.#at)
    if (code === 0x2c) this.#at += 1
    else if (code !== close) throw notPlain
  }

  #closes(indent: number, close: number): boolean {
    this.#skipInFlow(indent)
    if (this.#text.charCodeAt(this.#at) !== close) return false
    this.#at += 1
    return true
  }

  /** Spaces and line ends; a line inside a flow collection is indented deeper than the block around it. */
  #skipInFlow(indent: number): void {
    this.#skipSpaces()
    if (!this.#endsLine()) return
    const next = this.#nextIndent()
    if (next <= indent) throw notPlain
    this.#at += next
  }

  #scalar(plain: RegExp): unknown {
    const code = this.#text.charCodeAt(this.#at)
    if (code === 0x27) return this.#quoted(singleQuoted).replaceAll("''", "'")
    if (code === 0x22) return this.#quoted(doubleQuoted)
    plainStart.lastIndex = this.#at
    if (!plainStart.test(this.#text)) throw notPlain
    return plainValue(this.#match(plain))
  }

  #quoted(form: RegExp): string {
    const text = this.#match(form)
    // A colon right after a closing quote makes it a key.
    if (this.#text.charCodeAt(this.#at) === 0x3a) throw notPlain
    return text.slice(1, -1)
  }

  #match(form: RegExp): string {
    form.lastIndex = this.#at
    const match = form.exec(this.#text)
    if (match === null) throw notPlain
    this.#at = form.lastIndex
    return match[0]
  }

  /** Consumes the end of the line, with a comment before it, when nothing else is left on it. */
  #endsLine(): boolean {
    restOfLine.lastIndex = this.#at
    if (!restOfLine.test(this.#text)) return false
    this.#at = restOfLine.lastIndex
    return true
  }

  #skipSpaces(): number {
    const start = this.#at
    while (this.#text.charCodeAt(this.#at) === 0x20) this.#at += 1
    return this.#at - start
  }
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end + 1
}

/** What the core schema makes of a plain scalar. Numbers beyond plain decimal integers are left to the package. */
function plainValue(text: string): unknown {
  const first = text.charCodeAt(0)
  const mayBeNumber = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d || first === 0x2e
  if (!mayBeNumber) {
    if (text === 'true') return true
    if (text === 'false') return false
    if (special.test(text)) throw notPlain
    return text
  }
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text)
  if (/[^0-9A-Fa-fox.+_-]/.test(text) || /\..*\./.test(text)) {
    if (special.test(text)) throw notPlain
    return text
  }
  throw notPlain
}
