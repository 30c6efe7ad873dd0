import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createAuthority, issueIdentity } from './certificates.ts'

const nowMs = Date.UTC(2026, 6, 1)
const dayMs = 86_400_000
const authority = createAuthority('est_abcdef', nowMs)

test('an identity is signed by its authority, names its subject, and is no authority itself', () => {
  const issued = issueIdentity(authority, { subject: 'hst_server', addresses: [], nowMs })
  const certificate = new X509Certificate(issued.certificatePem)
  const issuer = new X509Certificate(authority.certificatePem)
  assert.ok(certificate.verify(issuer.publicKey) && certificate.checkIssued(issuer))
  assert.deepEqual([certificate.subject, certificate.issuer], ['CN=hst_server', 'CN=est_abcdef'])
  assert.deepEqual([certificate.ca, issuer.ca], [false, true])
  assert.equal(issued.authorityPem, authority.certificatePem)
})

test('carries addresses of every form', () => {
  const addresses = ['127.0.0.1', '::1', 'fe80::1:0:2', '2001:db8::', '::ffff:192.0.2.1', 'db.example']
  const { certificatePem } = issueIdentity(authority, { subject: 'hst_server', addresses, nowMs })
  const certificate = new X509Certificate(certificatePem)
  for (const address of addresses.slice(0, -1)) assert.ok(certificate.checkIP(address) !== undefined, address)
  assert.ok(certificate.checkHost('db.example') !== undefined)
  assert.equal(certificate.checkIP('127.0.0.2'), undefined)
})

test('is valid from a day before, for the days that were asked for, also beyond 2049', () => {
  for (const atMs of [nowMs, Date.UTC(2049, 11, 31), Date.UTC(2061, 0, 1)]) {
    const made = createAuthority('est_abcdef', atMs)
    const { certificatePem } = issueIdentity(made, {
      subject: 'prn_person',
      addresses: [],
      nowMs: atMs,
      days: 30,
    })
    const certificate = new X509Certificate(certificatePem)
    assert.equal(certificate.validFromDate.getTime(), atMs - dayMs)
    assert.equal(certificate.validToDate.getTime(), atMs + 30 * dayMs)
  }
})

test('no two certificates share a serial number or a key', () => {
  const issue = () =>
    new X509Certificate(
      issueIdentity(authority, { subject: 'hst_server', addresses: [], nowMs }).certificatePem,
    )
  const made = Array.from({ length: 20 }, issue)
  assert.equal(new Set(made.map(({ serialNumber }) => serialNumber)).size, 20)
  assert.equal(
    new Set(made.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' }))).size,
    20,
  )
})

test('issues for hosts and principals only, and only with the key of the authority', () => {
  assert.throws(() => issueIdentity(authority, { subject: 'est_abcdef', addresses: [], nowMs }), {
    code: 'ASSERTION_FAILED',
  })
  const { privateKeyPem } = createAuthority('est_abcdef', nowMs)
  assert.throws(
    () => issueIdentity({ ...authority, privateKeyPem }, { subject: 'hst_server', addresses: [], nowMs }),
    {
      code: 'AUTHORITY_KEY_MISMATCH',
    },
  )
})
