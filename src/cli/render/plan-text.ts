import type { Plan, Step } from '../../domain/plan.ts'
import type { RunKind } from '../../evidence/run-kind.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'
import { runBanner } from './run-banner.ts'
import { textTable } from './text-table.ts'

/** A plan as people read it before they say yes: what happens in which order, what proves it, where the way back ends. */
export function planText(plan: Plan, hash: string, paint: Paint, kind: RunKind = plan.mode): string {
  const parameters = Object.entries(plan.parameters).map(([name, value]) => `${name}=${value}`)
  const rows = plan.steps.map((step) => [step.id, placeOf(step), step.action, effectOf(step), step.proves])
  return [
    runBanner(kind, `${plan.procedure} (${plan.scenario})`, paint),
    `estate      ${plan.estate}\n`,
    `scope       ${plan.scope}\n`,
    `parameters  ${parameters.length === 0 ? 'none' : plainText(parameters.join(' '))}\n`,
    `product     ${plan.productVersion}, ${plan.procedure} version ${plan.procedureVersion}\n\n`,
    textTable(['STEP', 'ON', 'ACTION', 'EFFECT', 'DONE MEANS'], rows),
    '\n',
    ...acceptedTexts(plan).map((risk) => `${paint('red', 'ACCEPTS')}     ${plainText(risk)}\n`),
    pointOfNoReturnText(plan, paint),
    `plan hash   ${paint('bold', hash)}\n`,
  ].join('')
}

/** What the approver accepts beside the plan itself: in the plan, and so in its hash. */
function acceptedTexts({ steps }: Plan): readonly string[] {
  return steps.flatMap(({ args }) => {
    const { accepts } = args
    return Array.isArray(accepts) ? accepts.filter((risk) => typeof risk === 'string') : []
  })
}

function placeOf({ on }: Step): string {
  return typeof on === 'string' ? on : `(${on.from}.${on.field})`
}

function effectOf({ effect, optional }: Step): string {
  const word = effect === 'point-of-no-return' ? 'NO RETURN' : effect
  return optional === true ? `${word}, may fail` : word
}

function pointOfNoReturnText(plan: Plan, paint: Paint): string {
  const step = plan.steps.find(({ effect }) => effect === 'point-of-no-return')
  if (step === undefined) return 'Every effect can be undone: cancelling rolls back at any step.\n'
  return `Until ${paint('bold', step.id)} cancelling rolls back; from there the run only goes forward.\n`
}
