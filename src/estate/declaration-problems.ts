import type { z } from 'zod'
import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'

type Issue = z.core.$ZodIssue
type RawIssue = z.core.$ZodRawIssue

/** Says what a schema found wrong, in words; never repeats the value, which may be a secret. */
export function issueMessage(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'missing; add it'
        : `${nounOf(issue.input)} where ${expected(issue.expected)} belongs; write ${expected(issue.expected)}`
    case 'unrecognized_keys':
      return `unknown key; ${knownKeys(issue)}`
    case 'invalid_value':
      return issue.input === undefined
        ? `missing; write one of ${issue.values.join(', ')}`
        : `not one of the possible values; write one of ${issue.values.join(', ')}`
    default:
      return 'not allowed here; see docs/reference/estate.md for its form'
  }
}

function knownKeys(issue: RawIssue): string {
  const definition = (issue.inst as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def
  return `the keys here are ${Object.keys(definition?.shape ?? {}).join(', ')}`
}

function expected(type: unknown): string {
  switch (type) {
    case 'object':
    case 'record':
      return 'a map of keys and values'
    case 'array':
    case 'tuple':
      return 'a list'
    case 'int':
    case 'number':
      return 'a whole number'
    case 'boolean':
      return 'true or false'
    default:
      return 'a text'
  }
}

function nounOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return { string: 'a text', boolean: 'true or false' }[typeof value as string] ?? 'a number'
}

/** One problem for each thing wrong: unknown keys are told apart, bad keys carry the reason that their own form gives. */
export function issueProblems(issue: Issue): readonly EstateProblem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys') {
    const meant = issue.message.replace('unknown key; the keys here are ', '').split(', ')
    return issue.keys.map((key) =>
      problem([...path, key], unknownKeyMessage(key, issue.message, meant), 'key'),
    )
  }
  if (issue.code === 'invalid_key') {
    return [problem(path, issue.issues[0]?.message ?? issue.message, 'key')]
  }
  return [problem(path, issue.message)]
}

function unknownKeyMessage(key: string, message: string, known: readonly string[]): string {
  const near = known
    .map((name) => ({ name, distance: editDistance(key.slice(0, 40), name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((left, right) => left.distance - right.distance)[0]
  return near === undefined ? message : `unknown key; did you mean ${near.name}?`
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let at = 1; at <= left.length; at += 1) {
    const next = [at]
    for (let to = 1; to <= right.length; to += 1) {
      const replaced = (row[to - 1] ?? 0) + (left[at - 1] === right[to - 1] ? 0 : 1)
      next.push(Math.min((row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row[right.length] ?? 0
}

/** Whether `path` is `parent` or lies inside it. */
export function isWithin(path: EstatePath, parent: EstatePath): boolean {
  return parent.length <= path.length && parent.every((step, index) => step === path[index])
}
