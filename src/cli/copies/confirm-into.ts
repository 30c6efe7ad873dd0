import type { AgentVaultConfig } from '../../domain/copies-config.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { FileObjectStore } from '../../drivers/file/file-object-store.ts'
import type { RestoredSnapshot } from '../../ports/kept-copies.ts'
import { readCatalogue } from '../../vault/catalogue.ts'
import { writeReceipt } from '../../vault/receipt.ts'
import { openWriter, vaultOf } from '../vault-access.ts'
import { noWriter } from './back-up-into.ts'
import type { BackUpWork } from './back-up-into.ts'

/** Signs for a restore. Which snapshot it was is compared here; what was seen of it the run vouches for, whose journal has it. */
export async function confirmInto(
  config: AgentVaultConfig,
  { snapshot, manifest, ...restored }: RestoredSnapshot,
  { estate, cluster, world }: Omit<BackUpWork, 'signal'>,
): Promise<void> {
  if (config.writerFile === undefined) throw noWriter(cluster.name)
  const { writer, pin } = await openWriter({ environment: process.env }, `file:${config.writerFile}`)
  const vault = vaultOf(new FileObjectStore(config.storeDirectory), pin)
  const kept = (await readCatalogue(vault)).snapshots.find(
    ({ source, ...one }) =>
      one.snapshot === snapshot && source.component === cluster.id && source.estate === estate.id,
  )
  if (kept?.digest !== manifest) throw foreign(snapshot, manifest, kept?.digest)
  const { clock, random } = world
  const verified = { epoch: kept.epoch, snapshot, manifest, level: 'restored', restored }
  await writeReceipt(vault, verified, { clock, random, signer: writer.signer })
}

function foreign(snapshot: string, restored: string, kept: string | undefined): RecoveryError {
  const what = kept === undefined ? 'the vault has no such snapshot' : `its manifest is ${kept} here`
  return new RecoveryError({
    code: 'VAULT_RECEIPT_FOREIGN',
    class: 'refused',
    message: `no receipt is written for ${snapshot}, restored by the manifest ${restored}: ${what}`,
    hint: 'see what there is: `pointzero vault list`; a vault that others write into is not to be believed',
  })
}
