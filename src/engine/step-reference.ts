import type { Json } from '../domain/canonical-json.ts'
import type { StepReference } from '../domain/plan.ts'
import { RecoveryError } from '../domain/recovery-error.ts'

/** `{ from, field }` and nothing else; any other object is data. */
export function isStepReference(value: Json): value is Json & StepReference {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const object = value as { readonly [key: string]: Json | undefined }
  return (
    Object.keys(object).length === 2 &&
    typeof object['from'] === 'string' &&
    typeof object['field'] === 'string'
  )
}

export function referencesIn(value: Json): readonly StepReference[] {
  if (typeof value !== 'object' || value === null) return []
  if (isStepReference(value)) return [value]
  return Object.values(value).flatMap((member) => (member === undefined ? [] : referencesIn(member)))
}

export type StepOutputs = (step: string) => Readonly<Record<string, Json>> | undefined

/** Replaces every reference, at any depth, by the field of that step's output. */
export function bindReferences(value: Json, outputs: StepOutputs): Json {
  if (typeof value !== 'object' || value === null) return value
  if (isStepReference(value)) return boundField(value, outputs)
  if (Array.isArray(value)) return value.map((member: Json) => bindReferences(member, outputs))
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [key, bindReferences(member as Json, outputs)]))
}

function boundField(reference: StepReference, outputs: StepOutputs): Json {
  const found = outputs(reference.from)?.[reference.field]
  if (found !== undefined) return found
  throw new RecoveryError({
    code: 'REFERENCE_UNBOUND',
    class: 'permanent',
    message: `step ${reference.from} gave no output field ${reference.field}`,
    hint: 'look at that step with `pointzero show <run>`; plan again when it can not be done',
  })
}
