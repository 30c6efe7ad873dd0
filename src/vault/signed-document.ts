import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats, requireFormat } from '../domain/format.ts'
import type { FormatName } from '../domain/format.ts'
import type { Signer, SignatureVerifier } from '../ports/signer.ts'
import { damaged, notGenuine } from './vault-damage.ts'
import { documentMaxBytes } from './vault-limits.ts'

export type Members = { readonly [name: string]: Json | undefined }

/** The writers whose documents are believed: raw Ed25519 keys by principal. They come from the reader, never from the vault. */
export interface Trust {
  readonly writers: ReadonlyMap<string, string>
  readonly verifier: SignatureVerifier
}

/** Canonical JSON and nothing after it. The signature covers every other member; the format is one of them. */
export function encodeSigned(format: FormatName, members: Members, signer: Signer): Uint8Array {
  const unsigned = { ...members, format: formats[format], signer: signer.principal }
  return encode({ ...unsigned, signature: signer.sign(encode(unsigned)) })
}

/** Every byte counts: what is not exactly the canonical text of what was signed is refused. */
export function decodeSigned(
  format: FormatName,
  bytes: Uint8Array,
  object: string,
  trust: Trust,
): Members & { readonly signer: string } {
  const members = parseCanonical(bytes, object)
  requireFormat(format, members['format'], object)
  const { signature, ...unsigned } = members
  const { signer } = unsigned
  if (typeof signature !== 'string' || typeof signer !== 'string')
    throw notGenuine(object, 'it is not signed')
  const key = trust.writers.get(signer)
  if (key === undefined)
    throw notGenuine(object, `it is signed by ${JSON.stringify(signer)}, who is not pinned`)
  if (!trust.verifier.verify(key, encode(unsigned), signature)) {
    throw notGenuine(object, `its signature by ${signer} does not match`)
  }
  return { ...unsigned, signer }
}

function encode(members: Members): Uint8Array {
  return new TextEncoder().encode(canonicalJson(members))
}

function parseCanonical(bytes: Uint8Array, object: string): Members {
  if (bytes.length > documentMaxBytes) throw damaged(object, `${bytes.length} bytes are too many`)
  let parsed: Json
  let again: string
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    parsed = JSON.parse(text) as Json
    again = canonicalJson(parsed)
  } catch (error) {
    throw damaged(object, 'it is not canonical JSON', error)
  }
  if (text !== again) throw damaged(object, 'it is not canonical JSON')
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw damaged(object, 'it is no object')
  }
  return parsed as Members
}
