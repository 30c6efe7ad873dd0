import type { Json } from '../domain/canonical-json.ts'

/** The first thing that is wrong with a bundle, and where. Thrown inside the verifier only; it never leaves it. */
export class EvidenceDefect extends Error {
  readonly code: string
  readonly where: string

  constructor(code: string, where: string, message: string) {
    super(message)
    this.name = 'EvidenceDefect'
    this.code = code
    this.where = where
  }
}

export type JsonObject = Readonly<Record<string, Json | undefined>>

/** What was read is not trusted to have any shape. `where` is `entry 4 journal, record 7`; the field is appended. */
export function objectAt(value: Json | undefined, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new EvidenceDefect('STRUCTURE', where, 'is not an object')
}

export function listAt(value: Json | undefined, where: string): readonly Json[] {
  if (Array.isArray(value)) return value as readonly Json[]
  throw new EvidenceDefect('STRUCTURE', where, 'is not a list')
}

export function textAt(object: JsonObject, field: string, where: string): string {
  const value = object[field]
  if (typeof value === 'string') return value
  throw new EvidenceDefect('STRUCTURE', `${where}, field ${field}`, 'is not a text')
}

export function integerAt(object: JsonObject, field: string, where: string): number {
  const value = object[field]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new EvidenceDefect('STRUCTURE', `${where}, field ${field}`, 'is not an integer')
}

export function requireMembers(object: JsonObject, names: readonly string[], where: string): void {
  const absent = names.find((name) => object[name] === undefined)
  if (absent !== undefined) throw new EvidenceDefect('STRUCTURE', `${where}, field ${absent}`, 'is absent')
  const extra = Object.keys(object).find((name) => !names.includes(name))
  if (extra !== undefined)
    throw new EvidenceDefect('STRUCTURE', `${where}, field ${extra}`, 'does not belong there')
}

export function requireEqual(found: Json | undefined, expected: Json, code: string, where: string): void {
  if (found === expected) return
  throw new EvidenceDefect(code, where, `is ${brief(found)}, not ${brief(expected)}`)
}

function brief(value: Json | undefined): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80)
}
