import type { Json } from '../../domain/canonical-json.ts'
import type { Step, StepEffect, StepReference } from '../../domain/plan.ts'

export interface StepForm {
  readonly id: string
  readonly action: string
  readonly on: string | StepReference
  readonly args: Readonly<Record<string, Json>>
  readonly after?: readonly string[]
  readonly proves: string
  readonly effect?: StepEffect
  readonly phase: Step['phase']
  readonly quorum?: number
  readonly optional?: boolean
  readonly timeoutMs?: number
  readonly attempts?: number
  readonly waitMs?: number
  readonly undo?: { readonly action: string; readonly args: Readonly<Record<string, Json>> }
}

/** One step with the defaults written out, so that the plan holds everything it means. */
export function step(form: StepForm): Step {
  return {
    id: form.id,
    action: form.action,
    actionVersion: 1,
    args: form.args,
    on: form.on,
    after: form.after ?? [],
    ...(form.quorum === undefined ? {} : { quorum: form.quorum }),
    ...(form.optional === undefined ? {} : { optional: form.optional }),
    proves: form.proves,
    effect: form.effect ?? 'none',
    timeoutMs: form.timeoutMs ?? 5_000,
    retry: { attempts: form.attempts ?? 3, waitMs: form.waitMs ?? 100 },
    ...(form.undo === undefined ? {} : { compensation: { ...form.undo, actionVersion: 1 } }),
    phase: form.phase,
  }
}

/** A value taken from an earlier step's output when the run gets there. */
export function from(step: string, field: string): StepReference & { readonly [key: string]: Json } {
  return { from: step, field }
}
