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
 *
 * JSON.stringify writes strings and integers as RFC 8785 wants them, and keys in the order of the object: whatever was read from canonical
 * JSON is written by it, at a third of the price.
 */
export function canonicalJson(value: Json): string {
  return isInOrder(value) ? JSON.stringify(value) : spelledOut(value)
}

// Plain loops: this runs for every record, digest and heartbeat.
function isInOrder(value: Json): boolean {
  if (value === null || typeof value !== 'object') {
    requireCarried(value)
    return true
  }
  if (isArray(value)) {
    for (let index = 0; index < value.length; index += 1) if (!isInOrder(value[index] as Json)) return false
    return true
  }
  const keys = Object.keys(value)
  for (let index = 1; index < keys.length; index += 1)
    if ((keys[index] as string) < (keys[index - 1] as string)) return false
  for (const key of keys) {
    const member = value[key]
    requireCarried(key)
    if (member !== undefined && !isInOrder(member)) return false
  }
  return true
}

function spelledOut(value: Json): string {
  if (value === null || typeof value !== 'object') {
    requireCarried(value)
    return JSON.stringify(value)
  }
  if (isArray(value)) {
    let text = '['
    for (let index = 0; index < value.length; index += 1) {
      if (index > 0) text += ','
      text += spelledOut(value[index] as Json)
    }
    return `${text}]`
  }
  let text = '{'
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member === undefined) continue
    if (text.length > 1) text += ','
    text += `${spelledOut(key)}:${spelledOut(member)}`
  }
  return `${text}}`
}

function requireCarried(value: string | number | boolean | null): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) assert(false, 'canonical JSON carries well-formed Unicode only')
  } else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) assert(false, `canonical JSON carries safe integers only, not ${value}`)
  } else if (value !== null && typeof value !== 'boolean') {
    assert(false, `canonical JSON carries no ${typeof value}`)
  }
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
