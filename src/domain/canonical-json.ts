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
    if (!Number.isSafeInteger(value)) assert(false, `canonical JSON carries safe integers only, not ${value}`)
    return value === 0 ? '0' : String(value)
  }
  if (typeof value === 'string') {
    assert(value.isWellFormed(), 'canonical JSON carries well-formed Unicode only')
    return JSON.stringify(value)
  }
  return isArray(value) ? canonicalArray(value) : canonicalObject(value)
}

// Plain loops: this runs for every record, digest and heartbeat.
function canonicalArray(values: readonly Json[]): string {
  let text = '['
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ','
    text += canonicalJson(values[index] as Json)
  }
  return `${text}]`
}

function canonicalObject(value: { readonly [key: string]: Json | undefined }): string {
  let text = '{'
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member === undefined) continue
    if (text.length > 1) text += ','
    text += `${canonicalJson(key)}:${canonicalJson(member)}`
  }
  return `${text}}`
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
