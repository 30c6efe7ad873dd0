import { writeFile } from 'node:fs/promises'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats, requireFormat } from '../domain/format.ts'
import { parseId } from '../domain/id.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Principal } from '../engine/approval.ts'
import { generateSigningKey } from '../platform/ed25519-signer.ts'
import type { CommonOptions } from './command-context.ts'
import { connect } from './connection.ts'
import type { Connection } from './connection.ts'
import { textTable } from './render/text-table.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

interface StoredPrincipals {
  readonly format: typeof formats.principals
  readonly version: number
  readonly principals: readonly Principal[]
}

const roles: readonly string[] = ['operator', 'approver', 'control-plane', 'auditor']

export async function listPrincipals(terminal: Terminal, options: CommonOptions): Promise<void> {
  const { stored } = await read(await connect(terminal, options))
  if (options.json === true) {
    terminal.write(`${JSON.stringify(stored)}\n`)
    return
  }
  const rows = stored.principals.map((one) => [one.id, one.name, one.roles.join(' '), one.publicKey])
  terminal.write(textTable(['PRINCIPAL', 'NAME', 'ROLES', 'PUBLIC KEY'], rows))
}

export async function addPrincipal(
  terminal: Terminal,
  id: string,
  options: CommonOptions & { readonly name: string; readonly key: string; readonly role: readonly string[] },
): Promise<void> {
  const principal = declared(id, options)
  const connection = await connect(terminal, options)
  const { stored, revision } = await read(connection)
  const others = stored.principals.filter((one) => one.id !== principal.id)
  const next: StoredPrincipals = {
    ...stored,
    version: stored.version + 1,
    principals: [...others, principal],
  }
  const key = connection.keys.principals
  const value = canonicalJson(next as unknown as Json)
  const { succeeded } = await connection.store.transact({
    compare: [{ key, revision }],
    put: [{ key, value }],
  })
  if (!succeeded) throw changedMeanwhile()
  terminal.write(
    options.json === true ? `${JSON.stringify(next)}\n` : `${principal.id} (${principal.name}) is known\n`,
  )
}

/** An existing file is never overwritten: it may be the only copy of a key. */
export async function makeKey(terminal: Terminal, file: string, asJson: boolean): Promise<void> {
  const { publicKey, privateKeyPem } = generateSigningKey()
  try {
    await writeFile(file, privateKeyPem, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw usageError(
      `${file}: ${error instanceof Error ? error.message : String(error)}`,
      'name a file that does not exist yet',
    )
  }
  terminal.write(asJson ? `${JSON.stringify({ file, publicKey })}\n` : `${publicKey}\n`)
}

function declared(
  id: string,
  given: { readonly name: string; readonly key: string; readonly role: readonly string[] },
): Principal {
  const unknown = given.role.find((role) => !roles.includes(role))
  if (unknown !== undefined)
    throw usageError(`there is no role ${unknown}`, `name one of ${roles.join(', ')}`)
  if (!/^[A-Za-z0-9_-]{43}$/.test(given.key)) {
    throw usageError('--key is not 32 bytes in base64url', 'copy what `pointzero principal key` printed')
  }
  return {
    id: parseId(id, 'prn'),
    name: given.name,
    publicKey: given.key,
    roles: given.role as Principal['roles'],
  }
}

async function read({
  store,
  keys,
}: Connection): Promise<{ readonly stored: StoredPrincipals; readonly revision: number }> {
  const entry = await store.get(keys.principals)
  if (entry === undefined)
    return { stored: { format: formats.principals, version: 0, principals: [] }, revision: 0 }
  const stored = JSON.parse(entry.value) as StoredPrincipals
  requireFormat('principals', stored.format, 'principals in the control store')
  return { stored, revision: entry.revision }
}

function changedMeanwhile(): RecoveryError {
  return new RecoveryError({
    code: 'PRINCIPALS_CHANGED',
    class: 'transient',
    message: 'somebody else changed the principals at the same moment; nothing was written',
    hint: 'look at them with `pointzero principal list`, then try again',
  })
}
