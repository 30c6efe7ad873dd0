import type { AgentRecoveryKeyConfig } from '../../domain/copies-config.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { CopiesCall } from '../../drivers/agent/copies-call.ts'
import { openRemoteArchive } from '../../drivers/agent/remote-archive.ts'
import { openRemoteVault } from '../../drivers/agent/remote-vault.ts'
import { componentNamed } from '../../estate/estate-lookup.ts'
import type { Estate, Host } from '../../estate/estate.ts'
import { keepersOf, keptNowhere } from '../../estate/keepers.ts'
import type { KeptCopies } from '../../ports/kept-copies.ts'
import type { RecoveryAccess, RecoverySource } from '../../ports/recovery-source.ts'
import type { World } from '../../ports/world.ts'
import { readBytes } from '../read-json.ts'
import { readPin } from '../vault-access.ts'

export interface RecoveryAccessSetup {
  readonly world: Pick<World, 'network' | 'clock'>
  readonly estate: Estate
  /** What lies on this very host is read here. */
  readonly local: readonly KeptCopies[]
  readonly keys: readonly AgentRecoveryKeyConfig[]
}

export function openRecoveryAccess(setup: RecoveryAccessSetup): RecoveryAccess {
  return {
    source: async (component) => recoverySource(setup, component),
    key: async (component) => {
      const config = setup.keys.find((one) => one.component === component)
      if (config === undefined) throw noKey(component)
      const { vault, writers } = await readPin(config.pinFile)
      const recoveryKeyPem = new TextDecoder().decode(await readBytes(config.recoveryKeyFile))
      return { vault, writers, recoveryKeyPem }
    },
  }
}

/** Where the estate says that archive and vault of the component are kept. */
export function recoverySource(
  { world, estate, local }: Omit<RecoveryAccessSetup, 'keys'>,
  component: string,
): RecoverySource {
  const here = local.find((one) => one.component === component)
  const { archive, vault } = keepersOf(estate, componentNamed(estate, component))
  const call = (host: Host | undefined, what: 'WAL archive' | 'vault'): CopiesCall => {
    if (host === undefined) throw keptNowhere(component, what)
    return new CopiesCall(world, { estate: estate.id, component, host })
  }
  return {
    archive: here?.archive ?? openRemoteArchive(call(archive, 'WAL archive')),
    vault: here?.vault ?? openRemoteVault(call(vault, 'vault')),
  }
}

function noKey(component: string): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_KEY_ABSENT',
    class: 'refused',
    message: `this host was given no key for copies of ${component}`,
    hint: 'put the recovery key on it and name it in `recoveryKeys` of its agent configuration',
  })
}
