import { staleReadBoundMs } from '../domain/stale-read-bound.ts'
import { digest } from '../engine/digest.ts'
import { clusters } from '../estate/estate-lookup.ts'
import { assess } from '../estate/feasibility.ts'
import { timetable } from '../estate/timetable.ts'
import type { CheckOptions } from './commands/check.ts'
import { evidenceSummaries } from './evidence-summaries.ts'
import { loadEstateWithFindings } from './load-estate.ts'
import { readFacts } from './make-plan.ts'
import type { CheckedEstate } from './render/check-text.ts'
import type { Terminal } from './terminal.ts'

export async function checkEstate(
  terminal: Terminal,
  file: string,
  options: CheckOptions,
): Promise<CheckedEstate> {
  const { estate, findings } = await loadEstateWithFindings(file)
  const facts = options.facts === undefined ? {} : { facts: await readFacts(options.facts) }
  const evidence = await evidenceSummaries(options, terminal.environment['POINTZERO_CONTEXT'], estate)
  const objectives = assess(estate, { nowMs: terminal.nowMs(), evidence, ...facts })
  const staleReads = clusters(estate).map(({ id, name, policy }) => {
    return { component: id, name, fenceMs: policy.fenceMs, boundMs: staleReadBoundMs(policy) ?? null }
  })
  const declared = timetable(estate)
  return { file, estate, digest: digest(estate), objectives, findings, staleReads, timetable: declared }
}
