import { assert } from './recovery-error.ts'

/** What canonical JSON carries. Numbers are safe integers only: LSNs, xids, byte counts and nanoseconds travel as strings. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/**
 * Canonical JSON by RFC 8785 (JCS), restricted to safe integers. Keys are ordered by UTF-16 code units, `undefined`
 * members are absent. The same value gives the same bytes on any machine, locale and insertion order.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), `canonical JSON carries safe integers only, not ${value}`)
    return value === 0 ? '0' : String(value)
  }
  if (typeof value === 'string') {
    assert(value.isWellFormed(), 'canonical JSON carries well-formed Unicode only')
    return JSON.stringify(value)
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${canonicalJson(key)}:${canonicalJson(value[key] as Json)}`)
  return `{${members.join(',')}}`
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
