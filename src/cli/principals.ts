import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats, requireFormat } from '../domain/format.ts'
import { isId } from '../domain/id.ts'
import { serveConfigFormat } from '../domain/process-config.ts'
import type { ConfiguredPrincipal, ServeConfig } from '../domain/process-config.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Principal } from '../engine/approval.ts'
import { generateSigningKey } from '../platform/ed25519-signer.ts'
import type { CommonOptions } from './command-context.ts'
import type { AddOptions } from './commands/principal.ts'
import { connect } from './connection.ts'
import { readConfig } from './read-config.ts'
import { readBytes } from './read-json.ts'
import { textTable } from './render/text-table.ts'
import { replaceConfig } from './replace-config.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

interface StoredPrincipals {
  readonly format: typeof formats.principals
  readonly version: number
  readonly principals: readonly Principal[]
}

const roles: readonly string[] = ['operator', 'approver', 'control-plane', 'auditor']

export async function listPrincipals(terminal: Terminal, options: CommonOptions): Promise<void> {
  const { store, keys } = await connect(terminal, options)
  const entry = await store.get(keys.principals)
  const stored: StoredPrincipals =
    entry === undefined
      ? { format: formats.principals, version: 0, principals: [] }
      : (JSON.parse(entry.value) as StoredPrincipals)
  requireFormat('principals', stored.format, 'principals in the control store')
  if (options.json === true) {
    terminal.write(`${JSON.stringify(stored)}\n`)
    return
  }
  const rows = stored.principals.map((one) => [one.id, one.name, one.roles.join(' '), one.publicKey])
  terminal.write(textTable(['PRINCIPAL', 'NAME', 'ROLES', 'PUBLIC KEY'], rows))
}

/**
 * Edits the file that `pointzero serve` reads, on the control plane's own host: whoever may write it decides who may ask and approve, and
 * nobody does so through the network.
 */
export async function addPrincipal(terminal: Terminal, id: string, options: AddOptions): Promise<void> {
  const principal = declared(id, options)
  const file = resolve(terminal.workingDirectory, options.config)
  const before = await readBytes(file)
  const config = await readConfig<ServeConfig>(file, serveConfigFormat)
  const principals = withPrincipal(config, principal)
  if (canonicalJson(principals as unknown as Json) === canonicalJson(config.principals as unknown as Json)) {
    report(terminal, options, {
      file,
      principals,
      text: `${principal.id} (${principal.name}) is in ${file} already`,
    })
    return
  }
  const after = `${JSON.stringify({ ...config, principals }, undefined, 2)}\n`
  const backup = await replaceConfig({ file, before, after, nowMs: terminal.nowMs() })
  const text = `${principal.id} (${principal.name}) is in ${file}; what it was is in ${backup}\nRestart \`pointzero serve\`: it reads the file when it starts, and until then nothing changes.`
  report(terminal, options, { file, backup, principals, text })
}

interface Written {
  readonly file: string
  readonly backup?: string
  readonly principals: readonly ConfiguredPrincipal[]
  readonly text: string
}

function report(terminal: Terminal, { json }: AddOptions, { text, ...written }: Written): void {
  const restartNeeded = written.backup !== undefined
  terminal.write(json === true ? `${JSON.stringify({ ...written, restartNeeded })}\n` : `${text}\n`)
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

function withPrincipal(
  { principals, subject }: ServeConfig,
  added: ConfiguredPrincipal,
): readonly ConfiguredPrincipal[] {
  const twin = principals.find(({ id, publicKey }) => id !== added.id && publicKey === added.publicKey)
  if (twin !== undefined)
    throw refused(`${twin.name} (${twin.id}) has this key: one person would count as two`)
  if (added.id === subject && !added.roles.includes('control-plane'))
    throw refused(`${subject} is this control plane itself and keeps its role`)
  const known = principals.some(({ id }) => id === added.id)
  return known ? principals.map((one) => (one.id === added.id ? added : one)) : [...principals, added]
}

function declared(id: string, given: AddOptions): ConfiguredPrincipal {
  if (!isId(id, 'prn')) throw usageError(`${id} is no principal`, 'write prn_ and 6 to 32 of a-z and 0-9')
  const unknown = given.role.find((role) => !roles.includes(role))
  if (unknown !== undefined)
    throw usageError(`there is no role ${unknown}`, `name one of ${roles.join(', ')}`)
  if (Buffer.from(given.key, 'base64url').toString('base64url') !== given.key || given.key.length !== 43)
    throw usageError('--key is not 32 bytes in base64url', 'copy what `pointzero principal key` printed')
  return {
    id,
    name: given.name,
    publicKey: given.key,
    roles: [...new Set(given.role)] as unknown as ConfiguredPrincipal['roles'],
  }
}

function refused(message: string): RecoveryError {
  return new RecoveryError({
    code: 'PRINCIPAL_REFUSED',
    class: 'refused',
    message,
    hint: 'everybody has a key of their own: `pointzero principal key --out FILE` makes one',
  })
}
