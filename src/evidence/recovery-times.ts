import type { Plan } from '../domain/plan.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { RunRecord } from '../engine/run-event.ts'
import type { Measurements } from './measurements.ts'

export const recoveryPhases = ['detect', 'decide', 'execute', 'verify', 'traffic'] as const
export type RecoveryPhase = (typeof recoveryPhases)[number]

/**
 * The recovery time that clients saw, split. The parts add up to the total. A part whose end nobody stamped is absent and its time
 * counts to the next part that has one.
 */
export interface RecoveryTimes {
  readonly totalMs?: number
  readonly parts: Readonly<Partial<Record<RecoveryPhase, number>>>
  /** Why there is no total, or which parts could not be told apart. */
  readonly missing: readonly string[]
}

type Stamps = Readonly<Partial<Record<RecoveryPhase, number>>>

export function recoveryTimes(
  journal: readonly RunRecord[],
  measurements: Pick<Measurements, 'firstFailedMs' | 'firstAcknowledgedAfterMs'>,
): RecoveryTimes {
  const { firstFailedMs: start, firstAcknowledgedAfterMs: end } = measurements
  if (start === undefined) return { parts: {}, missing: ['no client request failed'] }
  if (end === undefined)
    return { parts: {}, missing: ['no client write was acknowledged after the first failure'] }
  const stamps: Stamps = { ...stampsOf(journal), traffic: end }
  const parts: Partial<Record<RecoveryPhase, number>> = {}
  let from = start
  for (const phase of recoveryPhases) {
    const stamp = stamps[phase]
    if (stamp === undefined) continue
    const until = phase === 'traffic' ? end : Math.min(Math.max(stamp, from), end)
    parts[phase] = until - from
    from = until
  }
  const missing = recoveryPhases
    .filter((phase) => stamps[phase] === undefined)
    .map((phase) => `nobody stamped the end of ${phase}`)
  return { totalMs: end - start, parts, missing }
}

/** When each phase but the last ended, from the journal alone. */
function stampsOf(journal: readonly RunRecord[]): Stamps {
  const opened = journal.find(({ event }) => event.type === 'opened')
  if (opened === undefined || opened.event.type !== 'opened') return {}
  const { plan, detection } = opened.event
  return defined({
    detect: declaredAt(detection),
    decide: opened.atMs,
    execute: firstDone(journal, stepsOf(plan, 'postgres.promote')) ?? lastDone(journal, plan, 'execute'),
    verify: firstDone(journal, stepsOf(plan, 'postgres.acknowledge')) ?? lastDone(journal, plan, 'verify'),
  })
}

function declaredAt(detection: Json | undefined): number | undefined {
  if (typeof detection !== 'object' || detection === null || Array.isArray(detection)) return undefined
  const declared = (detection as { readonly [key: string]: Json | undefined })['declaredAtMs']
  return typeof declared === 'number' ? declared : undefined
}

function stepsOf(plan: Plan, action: string): ReadonlySet<string> {
  return new Set(plan.steps.filter((step) => step.action === action).map(({ id }) => id))
}

function firstDone(journal: readonly RunRecord[], steps: ReadonlySet<string>): number | undefined {
  return journal.find((record) => isDone(record, steps))?.atMs
}

function lastDone(journal: readonly RunRecord[], plan: Plan, phase: string): number | undefined {
  const steps = new Set(plan.steps.filter((step) => step.phase === phase).map(({ id }) => id))
  return journal.findLast((record) => isDone(record, steps))?.atMs
}

function isDone({ event }: RunRecord, steps: ReadonlySet<string>): boolean {
  return (
    event.type === 'outcome' &&
    steps.has(event.step) &&
    (event.result === 'done' || event.result === 'satisfied')
  )
}

function defined(stamps: { readonly [K in RecoveryPhase]?: number | undefined }): Stamps {
  return Object.fromEntries(Object.entries(stamps).filter(([, stamp]) => stamp !== undefined))
}
