import { createHash } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'

export function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** SHA-256 of the canonical JSON of plain data (interfaces without methods). Anything else is a bug and throws. */
export function digest(value: unknown): string {
  return sha256Hex(canonicalJson(value as Json))
}
