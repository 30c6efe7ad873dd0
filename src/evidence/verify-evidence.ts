import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import { digest } from '../engine/digest.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import { evidenceEntryNames } from './evidence-bundle.ts'
import type { EvidenceBundle, EvidenceContents, EvidenceEntryName } from './evidence-bundle.ts'
import { isCanonicalValue, linkOf } from './evidence-chain.ts'
import {
  EvidenceDefect,
  integerAt,
  listAt,
  objectAt,
  requireEqual,
  requireMembers,
  textAt,
} from './evidence-defect.ts'
import type { JsonObject } from './evidence-defect.ts'
import { requireJournalChain, verifyRun } from './verify-run.ts'

export interface PinnedKeys {
  /** Principal id → raw Ed25519 public key in base64url. Given by who verifies, never read from the bundle. */
  readonly keys: ReadonlyMap<string, string>
  /** When given, the bundle must be of this estate. */
  readonly estate?: string
}

export type EvidenceVerification =
  | { readonly ok: true; readonly bundle: EvidenceBundle }
  | { readonly ok: false; readonly code: string; readonly where: string; readonly message: string }

const topMembers = ['entries', 'format', 'head', 'signature']
const entryMembers = ['content', 'digest', 'link', 'name', 'prev', 'seq']
const headTexts = [
  ...['chain', 'estate', 'format', 'mode', 'planHash', 'procedure'],
  ...['productVersion', 'run', 'scenario', 'signer', 'status'],
]
const headMembers = [...headTexts, 'createdAtMs', 'entries']

/** Judges the bytes of a bundle file. Every single changed byte is a defect. */
export function verifyEvidence(
  bytes: Uint8Array,
  pinned: PinnedKeys,
  verifier: SignatureVerifier,
): EvidenceVerification {
  try {
    return { ok: true, bundle: judge(bytes, pinned, verifier) }
  } catch (error) {
    if (error instanceof EvidenceDefect) {
      return { ok: false, code: error.code, where: error.where, message: error.message }
    }
    if (error instanceof RangeError) return tooDeep
    throw error
  }
}

const tooDeep = { ok: false, code: 'STRUCTURE', where: 'file', message: 'is nested too deeply' } as const

function judge(bytes: Uint8Array, pinned: PinnedKeys, verifier: SignatureVerifier): EvidenceBundle {
  const text = decode(bytes)
  const bundle = objectAt(parse(text), 'file')
  requireEqual(bundle['format'], formats.evidence, 'FORMAT', 'file, field format')
  requireMembers(bundle, topMembers, 'file')
  const head = headOf(bundle)
  const contents = contentsOf(bundle, head)
  verifySignature(bundle, head, pinned, verifier)
  verifyRun(head, contents, pinned.keys, verifier)
  requireCanonical(text, bundle)
  return bundle as unknown as EvidenceBundle
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw new EvidenceDefect('NOT_JSON', 'file', 'is not UTF-8')
    throw error
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    if (error instanceof SyntaxError) throw new EvidenceDefect('NOT_JSON', 'file', error.message)
    throw error
  }
}

function headOf(bundle: JsonObject): JsonObject {
  const head = objectAt(bundle['head'], 'head')
  requireMembers(head, headMembers, 'head')
  for (const field of headTexts) textAt(head, field, 'head')
  integerAt(head, 'createdAtMs', 'head')
  requireEqual(head['format'], formats.evidence, 'FORMAT', 'head, field format')
  requireEqual(head['entries'], evidenceEntryNames.length, 'ENTRY_COUNT', 'head, field entries')
  return head
}

function contentsOf(bundle: JsonObject, head: JsonObject): EvidenceContents {
  const entries = listAt(bundle['entries'], 'entries')
  requireEqual(entries.length, evidenceEntryNames.length, 'ENTRY_COUNT', 'entries')
  let prev = ''
  const contents: Partial<Record<EvidenceEntryName, Json>> = {}
  for (const [seq, name] of evidenceEntryNames.entries()) {
    const where = `entry ${seq} ${name}`
    const entry = objectAt(entries[seq], where)
    requireMembers(entry, entryMembers, where)
    requireEqual(entry['name'], name, 'ENTRY_ORDER', `${where}, field name`)
    requireEqual(entry['seq'], seq, 'ENTRY_ORDER', `${where}, field seq`)
    const content = entry['content'] as Json
    if (name === 'journal') requireJournalChain(content, textAt(head, 'run', 'head'), where)
    const contentDigest = digestAt(content, where)
    requireEqual(entry['digest'], contentDigest, 'DIGEST', `${where}, field digest`)
    requireEqual(entry['prev'], prev, 'LINK', `${where}, field prev`)
    const link = linkOf({ seq, name, digest: contentDigest, prev })
    requireEqual(entry['link'], link, 'LINK', `${where}, field link`)
    contents[name] = content
    prev = link
  }
  requireEqual(head['chain'], prev, 'CHAIN', 'head, field chain')
  return contents as EvidenceContents
}

function digestAt(content: Json, where: string): string {
  if (!isCanonicalValue(content)) {
    throw new EvidenceDefect(
      'NOT_CANONICAL',
      where,
      'carries a number that is not a safe integer, or broken Unicode',
    )
  }
  return digest(content)
}

/** 64 bytes in base64url; the last character may only carry bits that count, so that no other spelling is accepted. */
const signatureForm = /^[A-Za-z0-9_-]{85}[AQgw]$/

function verifySignature(
  bundle: JsonObject,
  head: JsonObject,
  pinned: PinnedKeys,
  verifier: SignatureVerifier,
): void {
  const signature = textAt(bundle, 'signature', 'file')
  if (!signatureForm.test(signature)) {
    throw new EvidenceDefect(
      'SIGNATURE',
      'file, field signature',
      'is not a signature of 64 bytes in base64url',
    )
  }
  const signer = textAt(head, 'signer', 'head')
  const key = pinned.keys.get(signer)
  if (key === undefined) {
    throw new EvidenceDefect('KEY_NOT_PINNED', 'head, field signer', `no key of ${signer} was given`)
  }
  const message = new TextEncoder().encode(canonicalJson(head))
  if (!verifier.verify(key, message, signature)) {
    throw new EvidenceDefect(
      'SIGNATURE',
      'file, field signature',
      `is not a signature of the head by ${signer}`,
    )
  }
  if (pinned.estate !== undefined) requireEqual(head['estate'], pinned.estate, 'ESTATE', 'head, field estate')
}

function requireCanonical(text: string, bundle: JsonObject): void {
  const expected = `${canonicalJson(bundle)}\n`
  if (text === expected) return
  let at = 0
  while (at < text.length && text[at] === expected[at]) at += 1
  throw new EvidenceDefect(
    'NOT_CANONICAL',
    `file, character ${at}`,
    'is not the canonical spelling of this value',
  )
}
