import { RecoveryError } from '../domain/recovery-error.ts'
import { scenarios } from '../domain/scenario.ts'
import { usageError } from './usage-error.ts'

/** A drill needs a sandbox. This version has one: the lab, and there only a zone can be lost. */
export function requireDrillable(scenario: string): void {
  if (scenario === 'zone-loss') return
  if (!(scenarios as readonly string[]).includes(scenario)) {
    throw usageError(
      `there is no scenario ${JSON.stringify(scenario)}`,
      `name one of ${scenarios.join(', ')}`,
    )
  }
  throw new RecoveryError({
    code: 'DRILL_NOT_AVAILABLE',
    class: 'refused',
    message: `this version has no sandbox in which ${scenario} can be rehearsed; nothing was done`,
    hint: 'rehearse a zone loss with `pointzero drill zone-loss`, or try the scenario in the simulator with `pointzero simulate`',
  })
}
