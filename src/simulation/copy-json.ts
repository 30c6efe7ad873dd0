import type { Json } from '../domain/canonical-json.ts'
import { assert } from '../domain/recovery-error.ts'

/** What the other side would parse: plain JSON, no `undefined` member, nothing shared with the sender. Cheaper than going through text. */
export function copyJson(value: Json): Json {
  if (value === null) return null
  if (typeof value === 'number') {
    assert(Number.isFinite(value), 'a message carries finite numbers')
    return value
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value
  assert(typeof value === 'object', `a message carries JSON only, not a ${typeof value}`)
  if (Array.isArray(value)) return value.map(copyJson)
  const prototype: unknown = Object.getPrototypeOf(value)
  assert(prototype === Object.prototype || prototype === null, 'a message carries plain objects only')
  const copy: Record<string, Json> = {}
  const members = value as Readonly<Record<string, Json | undefined>>
  for (const key of Object.keys(members)) {
    const member = members[key]
    if (member !== undefined) copy[key] = copyJson(member)
  }
  return copy
}
