import { RecoveryError } from '../../domain/recovery-error.ts'
import type { GateRoute } from '../../ports/traffic-gate.ts'

/** A gate takes no route from an executor that was superseded. */
export function requireCurrentEpoch(gate: string, current: GateRoute, wanted: GateRoute): void {
  if (wanted.epoch >= current.epoch) return
  throw new RecoveryError({
    code: 'EPOCH_STALE',
    class: 'refused',
    message: `gate ${gate} was routed under epoch ${current.epoch}; epoch ${wanted.epoch} is over`,
    hint: 'another executor has taken over: `pointzero runs`',
    context: { current: current.epoch, wanted: wanted.epoch },
  })
}
