import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { RecoveryError, assert } from '../domain/recovery-error.ts'
import * as der from './der.ts'
import { ipBytes } from './ip-bytes.ts'

/** What signs the certificates of one estate. Its key is needed to add a host or a person, never to run. */
export interface EstateAuthority {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/** What one process proves itself with, and against whose signature it judges others. */
export interface TlsIdentity {
  /** `hst_…` or `prn_…`: the common name of the certificate. */
  readonly subject: string
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly authorityPem: string
}

const dayMs = 86_400_000
/** Clocks of new machines are often behind. */
const backdatedMs = dayMs
const authorityDays = 3_650
const identityDays = 825

const oid = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  clientAuthentication: '1.3.6.1.5.5.7.3.2',
} as const

/** ECDSA over P-256, because every TLS stack, hardware module and inspector knows it. */
export function createAuthority(estate: string, nowMs: number): EstateAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const extensions = [
    extension(oid.basicConstraints, true, der.sequence(der.boolean(true), der.integer(0))),
    // keyCertSign
    extension(oid.keyUsage, true, der.bitString(Uint8Array.of(0b0000_0100), 2)),
    extension(oid.subjectKeyIdentifier, false, der.octetString(keyIdentifier(keys.publicKey))),
  ]
  const content = { subject: estate, issuer: estate, nowMs, days: authorityDays, extensions }
  return {
    certificatePem: certificate({ ...content, publicKey: keys.publicKey, signingKey: keys.privateKey }),
    privateKeyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

export interface IdentityRequest {
  readonly subject: string
  /** IP literals and names under which others reach it; none for a person. */
  readonly addresses: readonly string[]
  readonly nowMs: number
  /** Days until it expires; absent = 825. */
  readonly days?: number
}

export function issueIdentity(authority: EstateAuthority, request: IdentityRequest): TlsIdentity {
  const { subject, addresses, nowMs, days = identityDays } = request
  assert(/^(hst|prn)_[a-z0-9]{6,32}$/.test(subject), 'an identity is a host or a principal')
  const issuer = readAuthority(authority)
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const uses = [oid.serverAuthentication, oid.clientAuthentication].map(der.objectIdentifier)
  const names = addresses.map(generalName)
  const extensions = [
    extension(oid.basicConstraints, true, der.sequence()),
    // digitalSignature
    extension(oid.keyUsage, true, der.bitString(Uint8Array.of(0b1000_0000), 7)),
    extension(oid.extendedKeyUsage, false, der.sequence(...uses)),
    extension(oid.subjectKeyIdentifier, false, der.octetString(keyIdentifier(keys.publicKey))),
    extension(oid.authorityKeyIdentifier, false, der.sequence(der.contextBytes(0, issuer.keyIdentifier))),
    ...(names.length === 0 ? [] : [extension(oid.subjectAlternativeName, false, der.sequence(...names))]),
  ]
  const content = { subject, issuer: issuer.name, nowMs, days, extensions }
  return {
    subject,
    certificatePem: certificate({ ...content, publicKey: keys.publicKey, signingKey: issuer.key }),
    privateKeyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    authorityPem: authority.certificatePem,
  }
}

interface CertificateContent {
  readonly subject: string
  readonly issuer: string
  readonly nowMs: number
  readonly days: number
  readonly extensions: readonly der.Der[]
  readonly publicKey: KeyObject
  readonly signingKey: KeyObject
}

/** RFC 5280, version 3. */
function certificate(content: CertificateContent): string {
  const { nowMs, days, publicKey, signingKey } = content
  const algorithm = der.sequence(der.objectIdentifier(oid.ecdsaWithSha256))
  const toBeSigned = der.sequence(
    der.context(0, der.integer(2)),
    der.integer(0x40, ...randomBytes(15)),
    algorithm,
    distinguishedName(content.issuer),
    der.sequence(der.time(nowMs - backdatedMs), der.time(nowMs + days * dayMs)),
    distinguishedName(content.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der.context(3, der.sequence(...content.extensions)),
  )
  const signature = der.bitString(sign('sha256', toBeSigned, signingKey))
  const base64 = Buffer.from(der.sequence(toBeSigned, algorithm, signature)).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function distinguishedName(commonName: string): der.Der {
  const attribute = der.sequence(der.objectIdentifier(oid.commonName), der.utf8String(commonName))
  return der.sequence(der.set(attribute))
}

function extension(id: string, critical: boolean, value: der.Der): der.Der {
  const flag = critical ? [der.boolean(true)] : []
  return der.sequence(der.objectIdentifier(id), ...flag, der.octetString(value))
}

function generalName(address: string): der.Der {
  if (isIP(address) !== 0) return der.contextBytes(7, ipBytes(address))
  assert(/^[A-Za-z0-9.-]{1,253}$/.test(address), 'an address is an IP literal or a host name')
  return der.contextBytes(2, Buffer.from(address, 'latin1'))
}

/** RFC 5280 4.2.1.2, method 1: SHA-1 here names a key, it secures nothing. */
function keyIdentifier(publicKey: KeyObject): Uint8Array {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // An uncompressed point of P-256 is the last 65 bytes.
  return createHash('sha1').update(spki.subarray(-65)).digest()
}

function readAuthority({ certificatePem, privateKeyPem }: EstateAuthority): {
  readonly name: string
  readonly key: KeyObject
  readonly keyIdentifier: Uint8Array
} {
  const parsed = new X509Certificate(certificatePem)
  const key = createPrivateKey(privateKeyPem)
  if (!parsed.checkPrivateKey(key)) {
    throw new RecoveryError({
      code: 'AUTHORITY_KEY_MISMATCH',
      class: 'permanent',
      message: "the estate authority's key does not belong to its certificate",
      hint: 'use the pair that `pointzero setup` wrote together',
    })
  }
  const name = /^CN=(.+)$/m.exec(parsed.subject)?.[1]
  assert(name !== undefined, 'the authority has a common name')
  return { name, key, keyIdentifier: keyIdentifier(parsed.publicKey) }
}
