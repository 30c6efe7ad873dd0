import type { Action, ActionRegistry } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { captureEnd } from './capture-end.ts'
import { computeStart } from './compute-start.ts'
import { computeStop } from './compute-stop.ts'
import { gateClose } from './gate-close.ts'
import { gateOpen } from './gate-open.ts'
import { gateRoute } from './gate-route.ts'
import { postgresAcceptWrites } from './postgres-accept-writes.ts'
import { postgresAcknowledge } from './postgres-acknowledge.ts'
import { postgresCheckpoint } from './postgres-checkpoint.ts'
import { postgresDetach } from './postgres-detach.ts'
import { postgresDiscard } from './postgres-discard.ts'
import { postgresFence } from './postgres-fence.ts'
import { postgresFollow } from './postgres-follow.ts'
import { postgresInstall } from './postgres-install.ts'
import { postgresPromote } from './postgres-promote.ts'
import { postgresRefuseWrites } from './postgres-refuse-writes.ts'
import { postgresRejoin } from './postgres-rejoin.ts'
import { postgresReopen } from './postgres-reopen.ts'
import { postgresRevoke } from './postgres-revoke.ts'
import { postgresSetSync } from './postgres-set-sync.ts'
import { postgresStart } from './postgres-start.ts'
import { postgresStopClean } from './postgres-stop-clean.ts'
import { recoveryChoose } from './recovery-choose.ts'
import { recoveryResolve } from './recovery-resolve.ts'
import { recoveryStages } from './recovery-stages.ts'
import { vaultBackup } from './vault-backup.ts'
import { vaultReceipt } from './vault-receipt.ts'

const all: readonly Action<AgentContext>[] = [
  captureEnd,
  computeStart,
  computeStop,
  gateClose,
  gateOpen,
  gateRoute,
  postgresAcceptWrites,
  postgresAcknowledge,
  postgresCheckpoint,
  postgresDetach,
  postgresDiscard,
  postgresFence,
  postgresFollow,
  postgresInstall,
  postgresPromote,
  postgresRefuseWrites,
  postgresRejoin,
  postgresReopen,
  postgresRevoke,
  postgresSetSync,
  postgresStart,
  postgresStopClean,
  recoveryChoose,
  recoveryResolve,
  ...recoveryStages,
  vaultBackup,
  vaultReceipt,
]

/** Every action that an agent performs on its host. */
export const agentActions: ActionRegistry<AgentContext> = new Map(all.map((action) => [action.name, action]))
