import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MemberTlsFiles } from '../../src/drivers/postgres/member-config.ts'
import { createAuthority, issueIdentity } from '../../src/platform/certificates.ts'
import type { EstateAuthority, IdentityRequest } from '../../src/platform/certificates.ts'

export function newAuthority(): EstateAuthority {
  return createAuthority('est_tls', Date.now())
}

/** Files as an agent of root has them: the server's user can not read them. Written over what is there. */
export async function issueFiles(
  directory: string,
  authority: EstateAuthority,
  request: Partial<IdentityRequest> = {},
): Promise<MemberTlsFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const given = { subject: 'hst_memberx', addresses: ['127.0.0.1'], nowMs: Date.now(), ...request }
  const identity = issueIdentity(authority, given)
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory, name), content, { mode: 0o600 })
    return join(directory, name)
  }
  return {
    ca: await file('ca.pem', identity.authorityPem),
    cert: await file('cert.pem', identity.certificatePem),
    key: await file('key.pem', identity.privateKeyPem),
  }
}
