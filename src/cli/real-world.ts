import { X509Certificate } from 'node:crypto'
import type { TlsFiles } from '../domain/process-config.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { Ed25519Signer, Ed25519Verifier } from '../platform/ed25519-signer.ts'
import { systemWorld } from '../platform/system-world.ts'
import type { SystemWorld } from '../platform/system-world.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { Log } from '../ports/log.ts'
import type { Endpoint } from '../ports/network.ts'
import type { Signer } from '../ports/signer.ts'
import type { World } from '../ports/world.ts'
import { RemoteStore } from '../server/remote-store.ts'
import { readBytes } from './read-json.ts'

const storeTimeoutMs = 5_000

/** The World of a process that proves itself with the certificate in these files. Without `log` it logs JSON lines to stderr. */
export async function connectedWorld(tls: TlsFiles, log?: Log): Promise<SystemWorld> {
  const [authorityPem, certificatePem, privateKeyPem] = await Promise.all([
    readText(tls.ca),
    readText(tls.cert),
    readText(tls.key),
  ])
  const subject = subjectOf(certificatePem, tls.cert)
  return systemWorld({ subject, certificatePem, privateKeyPem, authorityPem }, log)
}

/** A command for people prints what it has to say itself. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined }

export function remoteStore(world: World, endpoint: Endpoint, subject: string): ControlStore {
  return new RemoteStore(world.network, { endpoint, subject, timeoutMs: storeTimeoutMs })
}

export async function fileSigner(file: string, principal: string): Promise<Signer> {
  return new Ed25519Signer(principal, await readText(file))
}

export const signatureVerifier = new Ed25519Verifier()

async function readText(file: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(file))
}

function subjectOf(pem: string, file: string): string {
  const found = /^CN=((?:hst|prn)_[a-z0-9]{6,32})$/m.exec(parsed(pem, file).subject)?.[1]
  if (found !== undefined) return found
  throw certificateInvalid(file, 'names neither a host nor a principal')
}

function parsed(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw certificateInvalid(file, error instanceof Error ? error.message : String(error))
  }
}

function certificateInvalid(file: string, why: string): RecoveryError {
  return new RecoveryError({
    code: 'CERTIFICATE_INVALID',
    class: 'invalid-estate',
    message: `${file}: ${why}`,
    hint: 'use the certificates that `pointzero setup` wrote',
  })
}
