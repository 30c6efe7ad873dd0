import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isId } from '../domain/id.ts'
import { issueIdentity } from '../platform/certificates.ts'
import type { IdentityOptions } from './commands/identity.ts'
import { readBytes } from './read-json.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'
import { writeIdentity } from './write-identity.ts'

export async function issue(terminal: Terminal, id: string, options: IdentityOptions): Promise<void> {
  if (!isId(id, 'hst') && !isId(id, 'prn'))
    throw usageError(`${id} is neither a host nor a principal`, 'copy the id from the estate')
  const directory = resolve(options.out)
  const taken = ['ca.pem', 'cert.pem', 'key.pem'].find((name) => existsSync(join(directory, name)))
  if (taken !== undefined)
    throw usageError(`${join(directory, taken)} exists`, 'name another directory; keys are never overwritten')
  const [certificatePem, privateKeyPem] = await Promise.all([
    text(join(options.authority, 'ca.pem')),
    text(join(options.authority, 'ca-key.pem')),
  ])
  const request = { subject: id, addresses: options.address ?? [], nowMs: terminal.nowMs() }
  await writeIdentity(directory, issueIdentity({ certificatePem, privateKeyPem }, request))
  terminal.write(
    options.json === true
      ? `${JSON.stringify({ id, directory })}\n`
      : `${directory}: certificate and key of ${id}\n`,
  )
}

async function text(file: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(file))
}
