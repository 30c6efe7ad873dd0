import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TlsIdentity } from '../platform/certificates.ts'

/** Private, and never over a file that exists: it may be the only copy of a key. */
export async function writePrivately(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(file, content, { mode: 0o600, flag: 'wx' })
}

export async function writeIdentity(directory: string, identity: TlsIdentity): Promise<void> {
  await writePrivately(join(directory, 'ca.pem'), identity.authorityPem)
  await writePrivately(join(directory, 'cert.pem'), identity.certificatePem)
  await writePrivately(join(directory, 'key.pem'), identity.privateKeyPem)
}
