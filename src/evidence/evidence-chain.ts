import type { Json } from '../domain/canonical-json.ts'
import { digest } from '../engine/digest.ts'
import type { EvidenceEntry, EvidenceEntryName } from './evidence-bundle.ts'

export function chainEntries(
  contents: readonly (readonly [EvidenceEntryName, Json])[],
): readonly EvidenceEntry[] {
  let prev = ''
  return contents.map(([name, content], seq) => {
    const covered = { seq, name, digest: digest(content), prev }
    const link = linkOf(covered)
    const entry: EvidenceEntry = { ...covered, content, link }
    prev = link
    return entry
  })
}

export function linkOf(covered: Pick<EvidenceEntry, 'seq' | 'name' | 'digest' | 'prev'>): string {
  return digest(covered)
}

/** Digests exist only of values that canonical JSON can carry. */
export function isCanonicalValue(value: Json | undefined): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isCanonicalValue(member))
}
