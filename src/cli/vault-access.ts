import { resolve } from 'node:path'
import type { Json } from '../domain/canonical-json.ts'
import { requireFormat } from '../domain/format.ts'
import { isId } from '../domain/id.ts'
import { FileObjectStore } from '../drivers/file/file-object-store.ts'
import { Ed25519Signer } from '../platform/ed25519-signer.ts'
import type { ObjectReader } from '../ports/recovery-source.ts'
import { readCatalogue, requireAtLeast } from '../vault/catalogue.ts'
import type { Catalogue } from '../vault/catalogue.ts'
import { parseRecoveryKey, recipientOf } from '../vault/recipient.ts'
import type { RecoveryKey } from '../vault/recipient.ts'
import type { Writer } from '../vault/store-snapshot.ts'
import type { Vault, WritableVault } from '../vault/vault-descriptor.ts'
import type { VaultOptions } from './commands/vault.ts'
import { loadEstate } from './load-estate.ts'
import { readJson } from './read-json.ts'
import { signatureVerifier } from './real-world.ts'
import { secretOf } from './secret-reference.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

/** What `vault init` writes for readers. Nothing in it is secret, and all of it is believed: it is kept outside of the vault. */
export interface VaultPin {
  readonly format: string
  readonly vault: Vault['id']
  readonly writers: Readonly<Record<string, string>>
  readonly recipients: readonly string[]
}

/** What `vault init` writes for the host that backs up. */
export interface VaultWriterFile extends VaultPin {
  readonly principal: string
  readonly signingKey: string
  readonly chunkIdSecret: string
}

/** A directory, or the address of a store of the estate. */
export async function openStore(
  terminal: Terminal,
  { store, estate }: Pick<VaultOptions, 'store' | 'estate'>,
): Promise<FileObjectStore> {
  if (/[/.]/.test(store) || estate === undefined) {
    return new FileObjectStore(resolve(terminal.workingDirectory, store))
  }
  const found = (await loadEstate(estate)).stores?.find(({ name }) => name === store)
  if (found === undefined)
    throw usageError(`the estate has no store ${store}`, 'name a store of it, or a directory')
  if (found.kind !== 'file') {
    throw usageError(
      `${store} is of kind ${found.kind}, which this release can not use yet`,
      'name a store of kind file',
    )
  }
  return new FileObjectStore(found.address)
}

export async function openVault(terminal: Terminal, options: VaultOptions): Promise<WritableVault> {
  const pin = await readPin(resolve(terminal.workingDirectory, options.pin ?? ''))
  return vaultOf(await openStore(terminal, options), pin)
}

export async function readPin(file: string): Promise<VaultPin> {
  const pin = (await readJson(file)) as unknown as VaultPin
  requireFormat('vaultPin', pin.format, file)
  return pin
}

/** The catalogue of a vault, not older than the reader knows it to be. */
export async function openCatalogue(
  terminal: Terminal,
  options: VaultOptions,
): Promise<{ readonly vault: WritableVault; readonly catalogue: Catalogue }> {
  const vault = await openVault(terminal, options)
  const catalogue = await readCatalogue(vault)
  if (options.atLeast !== undefined) requireAtLeast(catalogue, options.atLeast)
  return { vault, catalogue }
}

/** The writer knows its vault and believes itself. */
export async function openWriter(
  terminal: Pick<Terminal, 'environment'>,
  reference: string,
): Promise<{ readonly writer: Writer; readonly pin: VaultPin }> {
  const file = parseWriter(await secretOf(reference, terminal.environment), reference)
  const writer: Writer = {
    signer: new Ed25519Signer(file.principal, file.signingKey),
    chunkIdSecret: Buffer.from(file.chunkIdSecret, 'base64url'),
    recipients: file.recipients.map(recipientOf),
  }
  return { writer, pin: file }
}

export function vaultOf<Store extends ObjectReader>(
  store: Store,
  pin: Pick<VaultPin, 'vault' | 'writers'>,
): Vault & { readonly store: Store } {
  if (!isId(pin.vault, 'vlt'))
    throw usageError('the pin names no vault', 'use vault.pin.json of `pointzero vault init`')
  const writers = new Map(Object.entries(pin.writers))
  return { id: pin.vault, store, trust: { writers, verifier: signatureVerifier } }
}

export async function recoveryKeyOf(terminal: Terminal, reference: string): Promise<RecoveryKey> {
  return parseRecoveryKey(await secretOf(reference, terminal.environment))
}

function parseWriter(text: string, reference: string): VaultWriterFile {
  let parsed: Json
  try {
    parsed = JSON.parse(text) as Json
  } catch {
    // What it holds is secret: neither the text nor the parser's words about it are shown.
    throw usageError(`${reference} is no writer.json`, 'use writer.json of `pointzero vault init`')
  }
  const file = parsed as unknown as VaultWriterFile
  requireFormat('vaultWriter', file.format, reference)
  return file
}
