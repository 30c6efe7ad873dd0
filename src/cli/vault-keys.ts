import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { formats } from '../domain/format.ts'
import { Ed25519Signer, generateSigningKey } from '../platform/ed25519-signer.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { SystemRandom } from '../platform/system-random.ts'
import { addRecipient } from '../vault/added-keys.ts'
import { readPackList } from '../vault/known-chunks.ts'
import type { PackReference } from '../vault/pack-list.ts'
import { makeRecoveryKey, recipientOf } from '../vault/recipient.ts'
import { createVault, requireEmptyStore } from '../vault/vault-descriptor.ts'
import type { InitOptions, RewrapOptions } from './commands/vault.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'
import { openCatalogue, openStore, openWriter, recoveryKeyOf } from './vault-access.ts'
import type { VaultPin, VaultWriterFile } from './vault-access.ts'
import { writePrivately } from './write-identity.ts'

/**
 * Keys first, the vault last: a vault without the keys of its writer would be of no use. What fails leaves neither, so that it can be said
 * again.
 */
export async function initVault(terminal: Terminal, options: InitOptions): Promise<void> {
  const random = new SystemRandom()
  const store = await openStore(terminal, options)
  await mkdir(store.name, { recursive: true, mode: 0o700 })
  await requireEmptyStore(store)
  const out = resolve(terminal.workingDirectory, options.out)
  const own = options.recipient === undefined ? makeRecoveryKey(random) : undefined
  const recipients = options.recipient ?? (own === undefined ? [] : [own.publicKey])
  for (const recipient of recipients) recipientOf(recipient)
  const signing = generateSigningKey()
  const principal = `prn_${random.idBody(12)}`
  const pin: VaultPin = {
    format: formats.vaultPin,
    vault: `vlt_${random.idBody(12)}`,
    writers: { [principal]: signing.publicKey },
    recipients,
  }
  const writer: VaultWriterFile = {
    ...pin,
    format: formats.vaultWriter,
    principal,
    signingKey: signing.privateKeyPem,
    chunkIdSecret: Buffer.from(random.bytes(32)).toString('base64url'),
  }
  const files = {
    writer: join(out, 'writer.json'),
    pin: join(out, 'vault.pin.json'),
    ...(own === undefined ? {} : { recoveryKey: join(out, 'recovery.pem') }),
  }
  await mkdir(out, { recursive: true, mode: 0o700 })
  const written: string[] = []
  try {
    for (const [file, content] of [
      [files.writer, `${JSON.stringify(writer, undefined, 2)}\n`],
      [files.pin, `${JSON.stringify(pin, undefined, 2)}\n`],
      ...(own === undefined ? [] : [[join(out, 'recovery.pem'), own.privateKeyPem] as const]),
    ] as const) {
      await keep(file, content)
      written.push(file)
    }
    const signer = new Ed25519Signer(principal, signing.privateKeyPem)
    await createVault(store, pin.vault, { clock: new SystemClock(), signer })
  } catch (error) {
    // A vault that was made and could not be synced may be there all the same: then its keys are kept.
    const objects = await store.list('').catch(() => undefined)
    if (objects?.length === 0) for (const file of written) await rm(file)
    throw error
  }
  const made = { vault: pin.vault, store: store.name, writer: principal, recipients, files }
  terminal.write(options.json === true ? `${JSON.stringify(made)}\n` : initText(made))
}

export async function makeKey(terminal: Terminal, file: string, asJson: boolean): Promise<void> {
  const { publicKey, privateKeyPem } = makeRecoveryKey(new SystemRandom())
  await keep(resolve(terminal.workingDirectory, file), privateKeyPem)
  terminal.write(asJson ? `${JSON.stringify({ file, publicKey })}\n` : `${publicKey}\n`)
}

/** One small file an epoch. The recipient of snapshots to come is named in writer.json. */
export async function rewrap(terminal: Terminal, options: RewrapOptions): Promise<void> {
  const { vault, catalogue } = await openCatalogue(terminal, options)
  const { writer } = await openWriter(terminal, options.writer)
  const key = await recoveryKeyOf(terminal, options.key)
  const recipient = recipientOf(options.recipient)
  const effects = { clock: new SystemClock(), random: new SystemRandom() }
  const epochs = new Map<string, Map<string, PackReference>>()
  for (const manifest of catalogue.snapshots) {
    const packs = epochs.get(manifest.epoch) ?? new Map<string, PackReference>()
    for (const reference of await readPackList(vault, manifest)) packs.set(reference.pack, reference)
    epochs.set(manifest.epoch, packs)
  }
  const written: string[] = []
  for (const [epoch, packs] of epochs) {
    const given = { key, recipient, signer: writer.signer, ...effects }
    written.push(await addRecipient(vault, epoch, [...packs.values()], given))
  }
  const result = { vault: vault.id, recipient: options.recipient, epochs: epochs.size, written }
  const text = `${epochs.size} epochs can be opened with the new key; add it to the recipients of writer.json for those to come\n`
  terminal.write(options.json === true ? `${JSON.stringify(result)}\n` : text)
}

async function keep(file: string, content: string): Promise<void> {
  try {
    await writePrivately(file, content)
  } catch (error) {
    throw usageError(
      `${file}: ${error instanceof Error ? error.message : String(error)}`,
      'name a place where it does not exist yet',
    )
  }
}

function initText({ vault, store, files }: { vault: string; store: string; files: object }): string {
  const lines = Object.entries(files as Readonly<Record<string, string>>).map(([, file]) => `  ${file}`)
  const advice =
    'writer.json stays on the host that backs up. Keep recovery.pem and vault.pin.json somewhere that is lost neither with the\n' +
    'database nor with this directory: without a recovery key nobody can restore, with it anybody can.\n'
  return `${vault} made in ${store}\n${lines.join('\n')}\n${advice}`
}
