import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ed25519Signer, Ed25519Verifier, generateSigningKey } from './ed25519-signer.ts'

const verifier = new Ed25519Verifier()
const key = generateSigningKey()
const signer = new Ed25519Signer('prn_abcdef', key.privateKeyPem)
const message = new TextEncoder().encode('a plan')

test('verifies what was signed, and nothing else', () => {
  const signature = signer.sign(message)
  assert.equal(verifier.verify(key.publicKey, message, signature), true)
  assert.equal(verifier.verify(key.publicKey, new TextEncoder().encode('another plan'), signature), false)
  assert.equal(verifier.verify(generateSigningKey().publicKey, message, signature), false)
})

test('agrees with RFC 8032, test 1', () => {
  const hex = (text: string): string => Buffer.from(text, 'hex').toString('base64url')
  const publicKey = hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  const signature = hex(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  )
  assert.equal(verifier.verify(publicKey, new Uint8Array(), signature), true)
})

test('every flip of a bit of a signature makes it worthless', () => {
  const raw = Buffer.from(signer.sign(message), 'base64url')
  for (let bit = 0; bit < raw.length * 8; bit += 1) {
    const flipped = Buffer.from(raw)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.equal(verifier.verify(key.publicKey, message, flipped.toString('base64url')), false)
  }
})

test('what is malformed verifies nothing and throws nothing', () => {
  const signature = signer.sign(message)
  for (const bad of ['', 'A', `${signature}A`, `${signature}=`, ` ${signature}`, 'é']) {
    assert.equal(verifier.verify(key.publicKey, message, bad), false)
    assert.equal(verifier.verify(bad, message, signature), false)
  }
})

test('a key of another kind is refused by name', () => {
  assert.throws(() => new Ed25519Signer('prn_abcdef', 'nonsense'), { code: 'KEY_INVALID' })
})
