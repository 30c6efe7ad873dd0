import { RecoveryError } from '../domain/recovery-error.ts'
import { scenarios } from '../domain/scenario.ts'
import type { Scenario } from '../domain/scenario.ts'
import type { ActName } from './demonstration/demonstrate.ts'
import { usageError } from './usage-error.ts'

/** What a rehearsal would need that this version has not; absent for those it has. */
const notBuilt: Readonly<Record<Exclude<Scenario, ActName>, string>> = {
  'component-loss': 'a fault of one component alone, and how the application comes back without a failover',
  'region-loss': 'a second region in the lab, and a procedure that moves an estate there',
  'estate-loss': 'a procedure that rebuilds an estate from nothing but its vault',
}

/**
 * A drill needs a sandbox. This version has one: the lab. It consists of processes that the command starts and ends itself, on addresses
 * that lead nowhere else, with keys that nobody else believes: production is not in its reach, so nothing has to be fenced off first.
 */
export function requireDrillable(scenario: string): ActName {
  const known = scenarios.find((one) => one === scenario)
  if (known === undefined) {
    throw usageError(
      `there is no scenario ${JSON.stringify(scenario)}`,
      `name one of ${scenarios.join(', ')}`,
    )
  }
  if (known === 'zone-loss' || known === 'corruption') return known
  throw notAvailable(
    `${known} can not be rehearsed with this version; not built yet: ${notBuilt[known]}. Nothing was done`,
  )
}

/** A drill's plan is only worth approving where it may run. */
export function requireSandbox(sandbox: boolean): void {
  if (sandbox) return
  throw notAvailable('this control plane leads no sandbox, so it opens no drill; nothing was done')
}

function notAvailable(message: string): RecoveryError {
  return new RecoveryError({
    code: 'DRILL_NOT_AVAILABLE',
    class: 'refused',
    message,
    hint: 'rehearse a zone loss or a corruption in the lab with `pointzero drill zone-loss` or `pointzero drill corruption`, or try scenarios in the simulator with `pointzero simulate`',
  })
}
