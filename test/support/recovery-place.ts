import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openRecovery } from '../../src/cli/recovery/open-recovery.ts'
import { FileObjectStore } from '../../src/drivers/file/file-object-store.ts'
import type { PostgresMemberConfig } from '../../src/drivers/postgres/member-config.ts'
import { Ed25519Verifier } from '../../src/platform/ed25519-signer.ts'
import { openSystemArchive } from '../../src/platform/system-archive.ts'
import type { DatabaseRecovery, OwnedInvariant, RecoveryGoal } from '../../src/ports/database-recovery.ts'
import type { RecoveryAccess } from '../../src/ports/recovery-source.ts'
import { clock } from './system-time.ts'

export const component = 'cmp_ledger'

/** Where everything is, as plain data: another process opens the same. */
export interface RecoveryPlaces {
  readonly config: PostgresMemberConfig
  readonly archive: string
  readonly vault: string
  /** As `pointzero vault init` writes it. */
  readonly keys: string
}

export function accessTo({ archive, vault, keys }: Omit<RecoveryPlaces, 'config'>): RecoveryAccess {
  return {
    source: async () => ({ vault: new FileObjectStore(vault), archive: openSystemArchive(archive) }),
    key: async () => {
      const pin = JSON.parse(await readFile(join(keys, 'vault.pin.json'), 'utf8')) as {
        readonly vault: `vlt_${string}`
        readonly writers: Readonly<Record<string, string>>
      }
      const recoveryKeyPem = await readFile(join(keys, 'recovery.pem'), 'utf8')
      return { vault: pin.vault, writers: pin.writers, recoveryKeyPem }
    },
  }
}

/** A new one, as an agent that starts again has. */
export function recoveryAt(places: RecoveryPlaces): DatabaseRecovery {
  return openRecovery({
    world: { clock, log: { info: () => undefined, warn: () => undefined } },
    component,
    config: places.config,
    access: accessTo(places),
    verifier: new Ed25519Verifier(),
  })
}

/** Every stage that is not done yet, in order, as an executor asks for them again after each crash. */
export async function recoverTo(
  recovery: DatabaseRecovery,
  run: string,
  goal: RecoveryGoal,
  invariants: readonly OwnedInvariant[] = [],
): Promise<void> {
  const isDone = async (stage: Parameters<DatabaseRecovery['report']>[1]): Promise<boolean> =>
    (await recovery.report(run, stage)) !== undefined
  if (!(await isDone('restored'))) await recovery.restore(run, goal)
  if (!(await isDone('replayed'))) await recovery.replay(run, goal)
  if (!(await isDone('checked'))) await recovery.check(run, goal, invariants)
  if (!(await isDone('finished'))) await recovery.finish(run, goal)
  if (!(await isDone('installed'))) await recovery.install(run)
}
