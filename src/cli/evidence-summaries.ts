import type { Estate } from '../estate/estate.ts'
import type { EvidenceSummary } from '../estate/verdict.ts'
import { evidenceSummary } from './evidence-summary.ts'
import { pinnedKeys } from './pinned-keys.ts'

export interface EvidenceOptions {
  readonly evidence?: readonly string[]
  readonly key?: readonly string[]
  readonly keys?: string
}

/** What the bundles on a command line say about this estate. Each must be genuine; keys come from the caller, or from the caller's context. */
export async function evidenceSummaries(
  { evidence = [], key = [], keys }: EvidenceOptions,
  context: string | undefined,
  estate: Estate,
): Promise<readonly EvidenceSummary[]> {
  if (evidence.length === 0) return []
  const pinned = await pinnedKeys(key, keys ?? context)
  const found = await Promise.all(evidence.map(async (file) => evidenceSummary(file, estate, pinned)))
  return found.flat()
}
