import { RecoveryError } from '../../domain/recovery-error.ts'
import { isLabHostName } from '../../lab/lab-host.ts'
import type { LabHostName } from '../../lab/lab-host.ts'
import type { ControlPlaneStatus } from '../../server/status-wire.ts'

/** The host whose member leads the ledger, by the control plane's record. */
export function currentLeader({ facts }: ControlPlaneStatus): LabHostName {
  const [cluster] = facts.clusters
  const host = cluster?.members.find(({ member }) => member === cluster.leader)?.host ?? ''
  if (isLabHostName(host)) return host
  throw new RecoveryError({
    code: 'LAB_NO_PRIMARY',
    class: 'permanent',
    message: 'nobody leads the ledger',
    hint: 'see `pointzero status`',
  })
}
