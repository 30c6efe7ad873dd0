import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientContextFormat } from '../domain/client-context.ts'
import type { ClientContext } from '../domain/client-context.ts'
import type { ConfiguredPrincipal } from '../domain/process-config.ts'
import { createAuthority, issueIdentity } from '../platform/certificates.ts'
import type { EstateAuthority } from '../platform/certificates.ts'
import { generateSigningKey } from '../platform/ed25519-signer.ts'
import { labId } from './lab-estate.ts'
import { hostPaths, personContext } from './lab-paths.ts'
import type { LabPerson } from './lab-paths.ts'
import { labPorts } from './lab-ports.ts'
import type { LabState } from './lab-state.ts'

export interface LabCredentials {
  /** Of the control plane: `prn_…`. */
  readonly subject: string
  readonly principals: readonly ConfiguredPrincipal[]
  readonly ledgerPassword: string
}

/**
 * Keys and certificates, each in the directory of the one host or person that they belong to. Two people, because nobody approves
 * what he asked for himself.
 */
export function writeCredentials(state: LabState, estateText: string): LabCredentials {
  const authority = createAuthority(labId(state, 'est', 'estate'), Date.now())
  for (const { name, address } of state.hosts) {
    const paths = hostPaths(state.directory, name)
    mkdirSync(paths.state, { recursive: true })
    writeFileSync(paths.estate, estateText)
    const subject = name === 'ctl' ? controlPlaneSubject(state) : labId(state, 'hst', name)
    writeIdentity(authority, subject, [address], paths.directory)
    writePrivate(paths.canaryKey, `${randomBytes(32).toString('hex')}\n`)
  }
  const ledgerPassword = randomBytes(18).toString('base64url')
  writePrivate(passwordFile(state), `${ledgerPassword}\n`)
  const plane = principal(state, 'plane', 'control-plane', hostPaths(state.directory, 'ctl').directory)
  const people = (['operator', 'approver'] as const).map((person) => {
    const directory = personDirectory(state, person)
    mkdirSync(directory, { recursive: true })
    const { id, ...rest } = principal(state, person, person, directory)
    writeIdentity(authority, id, [], directory)
    writeFileSync(join(directory, 'estate.yaml'), estateText)
    return { person, principal: { id, ...rest } }
  })
  const principals = [plane, ...people.map(({ principal }) => principal)]
  for (const { person, principal } of people) writeContext(state, person, principal.id, principals)
  return { subject: controlPlaneSubject(state), principals, ledgerPassword }
}

export function passwordFile({ directory }: LabState): string {
  return join(directory, 'ledger-password')
}

function controlPlaneSubject(state: LabState): `prn_${string}` {
  return labId(state, 'prn', 'plane')
}

function principal(
  state: LabState,
  id: string,
  name: 'control-plane' | LabPerson,
  directory: string,
): ConfiguredPrincipal {
  const { publicKey, privateKeyPem } = generateSigningKey()
  writePrivate(join(directory, 'signing-key.pem'), privateKeyPem)
  return { id: labId(state, 'prn', id), name, publicKey, roles: [name] }
}

function personDirectory({ directory }: LabState, person: LabPerson): string {
  return join(personContext(directory, person), '..')
}

function writeContext(
  state: LabState,
  person: LabPerson,
  principal: string,
  pinned: readonly ConfiguredPrincipal[],
): void {
  const address = state.hosts.find(({ name }) => name === 'ctl')?.address ?? ''
  const context: ClientContext = {
    format: clientContextFormat,
    estate: labId(state, 'est', 'estate'),
    estateFile: 'estate.yaml',
    controlPlane: { address, port: labPorts.controlPlane, subject: controlPlaneSubject(state) },
    tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
    principal,
    signingKeyFile: 'signing-key.pem',
    place: 'lab',
    pinned,
  }
  writePrivate(personContext(state.directory, person), `${JSON.stringify(context, undefined, 2)}\n`)
}

function writeIdentity(
  authority: EstateAuthority,
  subject: string,
  addresses: readonly string[],
  directory: string,
): void {
  const identity = issueIdentity(authority, { subject, addresses, nowMs: Date.now() })
  writePrivate(join(directory, 'ca.pem'), identity.authorityPem)
  writePrivate(join(directory, 'cert.pem'), identity.certificatePem)
  writePrivate(join(directory, 'key.pem'), identity.privateKeyPem)
}

function writePrivate(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
}
