import { digest } from '../engine/digest.ts'
import { assess } from '../estate/feasibility.ts'
import type { Estate } from '../estate/estate.ts'
import type { EvidenceSummary } from '../estate/verdict.ts'
import type { CheckOptions } from './commands/check.ts'
import { evidenceSummary } from './evidence-summary.ts'
import { loadEstateWithFindings } from './load-estate.ts'
import { readFacts } from './make-plan.ts'
import { pinnedKeys } from './pinned-keys.ts'
import type { CheckedEstate } from './render/check-text.ts'
import type { Terminal } from './terminal.ts'

export async function checkEstate(
  terminal: Terminal,
  file: string,
  options: CheckOptions,
): Promise<CheckedEstate> {
  const { estate, findings } = await loadEstateWithFindings(file)
  const facts = options.facts === undefined ? {} : { facts: await readFacts(options.facts) }
  const evidence = await summaries(terminal, estate, options)
  const objectives = assess(estate, { nowMs: terminal.nowMs(), evidence, ...facts })
  return { file, estate, digest: digest(estate), objectives, findings }
}

async function summaries(
  { environment }: Terminal,
  estate: Estate,
  options: CheckOptions,
): Promise<readonly EvidenceSummary[]> {
  const files = options.evidence ?? []
  if (files.length === 0) return []
  const keys = await pinnedKeys(options.key ?? [], options.keys ?? environment['POINTZERO_CONTEXT'])
  const found = await Promise.all(files.map(async (file) => evidenceSummary(file, estate, keys)))
  return found.filter((summary) => summary !== undefined)
}
