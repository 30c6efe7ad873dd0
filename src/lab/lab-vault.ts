import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentCaptureConfig, AgentRecoveryKeyConfig, AgentVaultConfig } from '../domain/copies-config.ts'
import { formats } from '../domain/format.ts'
import { FileObjectStore } from '../drivers/file/file-object-store.ts'
import { Ed25519Signer, generateSigningKey } from '../platform/ed25519-signer.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { SystemRandom } from '../platform/system-random.ts'
import { makeRecoveryKey } from '../vault/recipient.ts'
import { createVault } from '../vault/vault-descriptor.ts'
import { labId } from './lab-estate.ts'
import type { LabHostName } from './lab-host.ts'
import { zoneHostNames } from './lab-host.ts'
import { hostPaths, vaultPaths } from './lab-paths.ts'
import type { LabState } from './lab-state.ts'

/** An empty vault on its host, its writer's keys beside it, and what opens it on every host that may have to restore. */
export async function makeVault(state: LabState): Promise<void> {
  const random = new SystemRandom()
  const { store, archive, pin, writer } = vaultPaths(state.directory)
  for (const directory of [store, archive]) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const signing = generateSigningKey()
  const key = makeRecoveryKey(random)
  const principal = labId(state, 'prn', 'vault')
  const vault = `vlt_${random.idBody(12)}` as const
  const known = { vault, writers: { [principal]: signing.publicKey }, recipients: [key.publicKey] }
  const pinText = textOf({ ...known, format: formats.vaultPin })
  const chunkIdSecret = randomBytes(32).toString('base64url')
  const secret = { principal, signingKey: signing.privateKeyPem, chunkIdSecret }
  writePrivate(pin, pinText)
  writePrivate(writer, textOf({ ...known, ...secret, format: formats.vaultWriter }))
  for (const host of zoneHostNames) {
    const { pinFile, recoveryKeyFile } = recoveryKeyOf(state, host)
    writePrivate(pinFile, pinText)
    writePrivate(recoveryKeyFile, key.privateKeyPem)
  }
  const signer = new Ed25519Signer(principal, signing.privateKeyPem)
  await createVault(new FileObjectStore(store), vault, { clock: new SystemClock(), signer })
}

export function captureOf(state: LabState): AgentCaptureConfig {
  return {
    component: labId(state, 'cmp', 'ledger'),
    archiveDirectory: vaultPaths(state.directory).archive,
    applicationName: 'wal',
    slot: 'pointzero_capture',
    tls: verified(state),
    statusIntervalMs: 1_000,
    silenceMs: 5_000,
  }
}

export function vaultOf(state: LabState): AgentVaultConfig {
  const { store, pin, writer } = vaultPaths(state.directory)
  return {
    component: labId(state, 'cmp', 'ledger'),
    storeDirectory: store,
    pinFile: pin,
    writerFile: writer,
    tls: verified(state),
  }
}

/** Both go to a member's own address, which is in its certificate. */
function verified({ directory }: LabState): NonNullable<AgentVaultConfig['tls']> {
  return { policy: 'verify-full', certificateAuthoritiesFile: hostPaths(directory, 'vlt').tls.ca }
}

export function recoveryKeyOf(state: LabState, host: LabHostName): AgentRecoveryKeyConfig {
  const { directory } = hostPaths(state.directory, host)
  return {
    component: labId(state, 'cmp', 'ledger'),
    pinFile: join(directory, 'vault.pin.json'),
    recoveryKeyFile: join(directory, 'recovery.pem'),
  }
}

function textOf(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

function writePrivate(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
}
