import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { Plan } from '../domain/plan.ts'
import type { RunEvent } from './run-event.ts'
import type { RunHead } from './run-record.ts'

/** Value of `run-index/<run>`: what a list of runs shows, so that listing reads no journal. All but the status stands in the first record. */
export interface RunSummary {
  readonly procedure: string
  readonly scenario: Plan['scenario']
  readonly mode: Plan['mode']
  readonly scope: string
  readonly status: RunHead['status']
  readonly openedAtMs: number
  readonly requestedBy: string
  readonly planHash: string
}

interface FirstRecord {
  readonly atMs: number
  readonly event: RunEvent
}

/** Undefined when that record opens no run. */
export function runSummaryText({ atMs, event }: FirstRecord, status: RunHead['status']): string | undefined {
  if (event.type !== 'opened') return undefined
  const { procedure, scenario, mode, scope } = event.plan
  const { requestedBy, planHash } = event
  const summary: RunSummary = {
    procedure,
    scenario,
    mode,
    scope,
    status,
    openedAtMs: atMs,
    requestedBy,
    planHash,
  }
  return canonicalJson(summary as unknown as Json)
}

/** Whether the summary may be another one after this event. Intents and outcomes, most of a journal, leave it as it is. */
export function changesSummary({ type }: RunEvent): boolean {
  return type !== 'intent' && type !== 'outcome'
}
