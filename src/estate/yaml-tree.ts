import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node, Pair, Range, YAMLMap, YAMLSeq } from 'yaml'
import { nestingProblemAt, separatorCount, separatorsMax } from './yaml-limits.ts'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem, Position } from './estate-problem.ts'
import { YamlPositions } from './yaml-position.ts'
import { readPlainYaml } from './plain-yaml.ts'

/** A YAML text as plain data, and where in the text each part stands. */
export interface YamlTree {
  readonly value: unknown
  /** Of the deepest part of the path that exists. */
  locate(path: EstatePath, part: 'key' | 'value'): Position
  readonly problems: readonly LocatedProblem[]
}

export interface LocatedProblem extends EstateProblem {
  readonly position: Position
}

/** Values reached through aliases, all together: an alias bomb ends here (billion laughs). */
const aliasedNodesMax = 10_000
const depthMax = 32
const reservedKeys = new Set(['__proto__', 'constructor', 'prototype'])

/** Plain estates are read by our own reader, everything else by the YAML package; positions and values are the same. */
export function readYamlTree(text: string): YamlTree {
  const plain = readPlainYaml(text)
  if (plain === undefined) return readFullYaml(text)
  return { value: plain.value, locate: (path, part) => plain.locate(path, part), problems: [] }
}

/** The YAML package's reading of the text, with everything refused that could be read in two ways or grow without bound. */
export function readFullYaml(text: string): YamlTree {
  const tooDeep = nestingProblemAt(text)
  if (tooDeep !== undefined) {
    return unreadable(text, tooDeep, `more than ${depthMax} levels of nesting; an estate needs fewer than 12`)
  }
  if (separatorCount(text) > separatorsMax) {
    return unreadable(
      text,
      0,
      `more than ${separatorsMax} values in a form that takes long to read; split the estate`,
    )
  }
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      version: '1.2',
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return unreadable(text, 0, 'nested too deeply to be read; flatten it')
  }
  const reader = new TreeReader(text, document)
  return reader.tree()
}

function unreadable(text: string, offset: number, message: string): YamlTree {
  const position = new YamlPositions(text).at(offset)
  const problems = [{ ...problem([], message), position }]
  return { value: undefined, locate: () => position, problems }
}

class TreeReader {
  readonly #positions: YamlPositions
  readonly #document: Document.Parsed
  readonly #problems: LocatedProblem[] = []
  #aliasedNodes = 0
  #aliasDepth = 0

  constructor(text: string, document: Document.Parsed) {
    this.#positions = new YamlPositions(text)
    this.#document = document
  }

  tree(): YamlTree {
    for (const { pos, message } of [...this.#document.errors, ...this.#document.warnings]) {
      // The package reports the exhausted call stack of its own recursion as a syntax error.
      const isTooDeep = message.includes('call stack')
      const what = isTooDeep
        ? 'nested too deeply to be read; flatten it'
        : `${lowerFirst(message)}; correct the YAML here`
      this.#report([], pos[0], what)
    }
    if (this.#document.directives.yaml.explicit === true) {
      this.#report([], 0, 'a %YAML directive; leave it out, estates are YAML 1.2')
    }
    const { contents } = this.#document
    if (contents === null) this.#report([], 0, 'the file is empty; start with format: pointzero/estate/1')
    // With broken syntax the tree is a guess: what else is wrong is asked again when it can be read.
    const value = this.#problems.length > 0 ? undefined : this.#value(contents, [], 0)
    return { value, locate: (path, part) => this.#locate(path, part), problems: this.#problems }
  }

  #value(node: Node | null, path: EstatePath, depth: number): unknown {
    const offset = startOf(node)
    if (depth > depthMax)
      return this.#report(path, offset, `more than ${depthMax} levels of nesting; flatten it`)
    if (this.#aliasDepth > 0 && ++this.#aliasedNodes > aliasedNodesMax) {
      if (this.#aliasedNodes > aliasedNodesMax + 1) return undefined
      return this.#report(
        path,
        offset,
        `aliases that stand for more than ${aliasedNodesMax} values; write them out`,
      )
    }
    if (isAlias(node)) return this.#aliased(node.resolve(this.#document), path, depth, offset)
    if (node?.tag !== undefined) return this.#report(path, offset, 'a YAML tag; leave it out')
    if (isMap(node)) return this.#map(node, path, depth)
    if (isSeq(node)) return this.#sequence(node, path, depth)
    const isBlank = node?.range?.[0] === node?.range?.[1] && typeof path.at(-1) === 'string'
    return this.#scalar(isScalar(node) ? node.value : null, path, isBlank ? -1 : offset)
  }

  #aliased(target: Node | undefined, path: EstatePath, depth: number, offset: number): unknown {
    if (target === undefined)
      return this.#report(path, offset, 'an alias without an anchor before it; write the value')
    this.#aliasDepth += 1
    const value = this.#value(target, path, depth + 1)
    this.#aliasDepth -= 1
    return value
  }

  #map(node: YAMLMap, path: EstatePath, depth: number): unknown {
    const value: Record<string, unknown> = {}
    const seen = new Set<string>()
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const offset = startOf(pair.key)
      const key = isScalar(pair.key) ? pair.key.value : undefined
      if (typeof key !== 'string') {
        this.#report(path, offset, 'a key that is not a text; write a name, or put it in quotes')
        continue
      }
      if (reservedKeys.has(key) || !key.isWellFormed()) {
        this.#report(path, offset, 'a key that can not be a name; choose another')
      } else if (seen.has(key)) {
        this.#report([...path, key], offset, 'the key stands here a second time; keep one of the two', 'key')
      } else {
        seen.add(key)
        value[key] = this.#value(pair.value, [...path, key], depth + 1)
      }
    }
    return value
  }

  #sequence(node: YAMLSeq, path: EstatePath, depth: number): unknown {
    return (node.items as (Node | null)[]).map((item, index) =>
      this.#value(item, [...path, index], depth + 1),
    )
  }

  #scalar(value: unknown, path: EstatePath, offset: number): unknown {
    const message = scalarProblem(value)
    return message === undefined ? value : this.#report(path, offset, message)
  }

  #report(path: EstatePath, offset: number, message: string, part: 'key' | 'value' = 'value'): undefined {
    this.#problems.push({ path, part, message, position: this.#blankPosition(path, offset) })
  }

  /** A blank value has no place of its own in the text: its key has. */
  #blankPosition(path: EstatePath, offset: number): Position {
    return offset < 0 ? this.#locate(path, 'key') : this.#positions.at(offset)
  }

  #locate(path: EstatePath, part: 'key' | 'value'): Position {
    let node: Node | null = this.#document.contents
    let keyOffset = startOf(node)
    for (const [index, step] of path.entries()) {
      const holder: Node | null = isAlias(node) ? (node.resolve(this.#document) ?? null) : node
      const found = child(holder, step)
      if (found === undefined) return this.#positions.at(Math.max(0, index === 0 ? 0 : keyOffset))
      const valueOffset = startOf(found.value)
      keyOffset = startOf(found.key ?? found.value)
      if (
        index === path.length - 1 &&
        part === 'value' &&
        valueOffset >= 0 &&
        found.value?.range?.[0] !== found.value?.range?.[1]
      ) {
        return this.#positions.at(valueOffset)
      }
      node = found.value
    }
    return this.#positions.at(Math.max(0, keyOffset))
  }
}

/** What a scalar may not be. */
function scalarProblem(value: unknown): string | undefined {
  if (value === null) return 'blank; write a value or leave the key out'
  if (typeof value === 'number' && !Number.isFinite(value))
    return 'not a number that can be used; write digits'
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'a number too large to be exact; write a smaller one, or put it in quotes if it is a text'
  }
  if (typeof value === 'string' && !value.isWellFormed())
    return 'half of a surrogate pair; write the whole character'
  if (typeof value === 'string' && value.includes('\0')) return 'a NUL character; leave it out'
  return undefined
}

function child(
  holder: Node | null,
  step: string | number,
): { readonly key?: Node; readonly value: Node | null } | undefined {
  if (isSeq(holder) && typeof step === 'number') {
    const value = holder.items[step] as Node | null | undefined
    return value === undefined ? undefined : { value }
  }
  if (!isMap(holder)) return undefined
  const pair = (holder.items as Pair<Node, Node | null>[]).find(
    ({ key }) => isScalar(key) && key.value === step,
  )
  return pair === undefined ? undefined : { key: pair.key, value: pair.value }
}

function startOf(node: Node | null | undefined): number {
  const range: Range | null | undefined = node?.range
  return range === null || range === undefined ? -1 : range[0]
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
