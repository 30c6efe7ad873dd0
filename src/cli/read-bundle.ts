import type { Json } from '../domain/canonical-json.ts'
import { requireFormat } from '../domain/format.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { evidenceEntryNames } from '../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../evidence/evidence-bundle.ts'

/** A bundle for showing. Only its format and its entries are checked here; whether it is genuine is for `evidence verify`. */
export function readBundle(value: Json, file: string): EvidenceBundle {
  const bundle = value as unknown as Partial<EvidenceBundle> | null
  requireFormat('evidence', bundle?.format, file)
  const names = Array.isArray(bundle?.entries)
    ? bundle.entries.map(({ name }: { readonly name?: unknown }) => name)
    : []
  const isWhole = evidenceEntryNames.every((name, index) => names[index] === name)
  if (isWhole && typeof bundle?.head === 'object') return bundle as EvidenceBundle
  throw new RecoveryError({
    code: 'EVIDENCE_INCOMPLETE',
    class: 'permanent',
    message: `${file}: the bundle lacks some of its entries`,
    hint: `see what is wrong with \`pointzero evidence verify ${file}\``,
  })
}
