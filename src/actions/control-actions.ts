import type { Action, ActionRegistry } from '../engine/action.ts'
import { candidateChoose } from './candidate-choose.ts'
import { captureReceives } from './capture-receives.ts'
import type { ControlContext } from './control-context.ts'
import { gatesLed } from './gates-led.ts'
import { leaderClaim } from './leader-claim.ts'
import { leaderPublish } from './leader-publish.ts'
import { maintenanceRecord } from './maintenance-record.ts'
import { memberReached } from './member-reached.ts'
import { productionNote, productionUntouched } from './production-untouched.ts'

const all: readonly Action<ControlContext>[] = [
  candidateChoose,
  captureReceives,
  gatesLed,
  leaderClaim,
  leaderPublish,
  maintenanceRecord,
  memberReached,
  productionNote,
  productionUntouched,
]

/** Every action that the executor performs itself. */
export const controlActions: ActionRegistry<ControlContext> = new Map(
  all.map((action) => [action.name, action]),
)
