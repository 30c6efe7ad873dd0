import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { MemberTlsFiles, PostgresMemberConfig } from './member-config.ts'
import { makeOwnedDirectory, readIfExists, replaceOwnedFile } from './owned-file.ts'
import { permanent } from './postgres-failure.ts'

/** What a member is to show, read from the files of its host. */
export interface MemberIdentity {
  readonly identityPem: string
  readonly authorityPem: string
  /** SHA-256 of the certificate, as node writes it. */
  readonly fingerprint: string
  readonly validUntilMs: number
  /** Of everything above. */
  readonly digest: string
}

/**
 * Copies for the server's user alone, because the agent's files are the agent's. Outside of the data directory: a base backup carries the
 * certificate of no host. Certificate and key are one file, so that a renewal is one rename and never half of one and half of another.
 */
export function placedTls({ socketDirectory }: Pick<PostgresMemberConfig, 'socketDirectory'>): {
  readonly directory: string
  readonly identity: string
  readonly authority: string
} {
  const directory = join(socketDirectory, 'tls')
  return { directory, identity: join(directory, 'identity.pem'), authority: join(directory, 'ca.pem') }
}

/** Lines of the settings file; none without certificate, so that what the operator set by himself stays. */
export function tlsSettings(config: PostgresMemberConfig): Readonly<Record<string, string>> {
  if (config.tls === undefined) return {}
  const { identity, authority } = placedTls(config)
  return {
    ssl: 'on',
    ssl_cert_file: identity,
    ssl_key_file: identity,
    ssl_ca_file: authority,
    ssl_min_protocol_version: 'TLSv1.3',
  }
}

/** Refuses what the server could not show, before it replaces what it shows now. */
export async function readIdentity(name: string, files: MemberTlsFiles): Promise<MemberIdentity> {
  const [authorityPem, certificatePem, keyPem] = await Promise.all(
    [files.ca, files.cert, files.key].map(async (file) => await readIfExists(file)),
  )
  if (authorityPem === undefined || certificatePem === undefined || keyPem === undefined)
    throw unusable(name, `one of ${files.ca}, ${files.cert} and ${files.key} is missing`)
  const certificate = parsed(name, files.cert, certificatePem)
  // While an authority is replaced, its file holds the old one and the new one.
  const authorities = certificatesIn(authorityPem).map((pem) => parsed(name, files.ca, pem))
  if (!hasKey(certificate, keyPem)) throw unusable(name, `${files.key} is not the key of ${files.cert}`)
  if (!authorities.some(({ publicKey }) => certificate.verify(publicKey)))
    throw unusable(name, `${files.cert} was not signed by the authority in ${files.ca}`)
  const identityPem = `${certificatePem.trim()}\n${keyPem.trim()}\n`
  return {
    identityPem,
    authorityPem,
    fingerprint: certificate.fingerprint256,
    validUntilMs: certificate.validToDate.getTime(),
    digest: createHash('sha256').update(identityPem).update(authorityPem).digest('hex'),
  }
}

/** Idempotent. */
export async function placeTls(config: PostgresMemberConfig, identity: MemberIdentity): Promise<void> {
  const placed = placedTls(config)
  await makeOwnedDirectory(placed.directory, config.runAs)
  for (const [path, content] of [
    [placed.authority, identity.authorityPem],
    [placed.identity, identity.identityPem],
  ] as const)
    if ((await readIfExists(path)) !== content) await replaceOwnedFile(path, content, config.runAs)
}

export async function isPlaced(config: PostgresMemberConfig, identity: MemberIdentity): Promise<boolean> {
  const placed = placedTls(config)
  const [own, whose] = await Promise.all([readIfExists(placed.identity), readIfExists(placed.authority)])
  return own === identity.identityPem && whose === identity.authorityPem
}

/** Before a start: files that became unusable keep no server down that has good ones from before. What is wrong says the watch. */
export async function placeTlsOrKeep(config: PostgresMemberConfig): Promise<void> {
  if (config.tls === undefined) return
  try {
    await placeTls(config, await readIdentity(config.name, config.tls))
  } catch (error) {
    const { identity, authority } = placedTls(config)
    const [own, whose] = await Promise.all([readIfExists(identity), readIfExists(authority)])
    if (own === undefined || whose === undefined) throw error
  }
}

/** Whose signature this member demands of an upstream. */
export async function authorityOf({ name, tls }: Pick<PostgresMemberConfig, 'name' | 'tls'>): Promise<{
  readonly authority?: string
}> {
  if (tls === undefined) return {}
  const authority = await readIfExists(tls.ca)
  if (authority === undefined) throw unusable(name, `${tls.ca} is missing`)
  return { authority }
}

function certificatesIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? []
}

function parsed(name: string, file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw unusable(name, `${file} is no certificate`, error)
  }
}

function hasKey(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false // what can not be read is not its key
  }
}

function unusable(name: string, what: string, cause?: unknown): Error {
  const hint =
    'issue another one: `pointzero identity <host> --authority <directory> --address <address> --out <directory>`'
  return permanent('PG_CERTIFICATE_UNUSABLE', `${name}: ${what}`, hint, cause)
}
