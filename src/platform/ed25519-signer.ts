import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { SignatureVerifier, Signer } from '../ports/signer.ts'

/** RFC 8032 with keys of RFC 8410. */
export class Ed25519Signer implements Signer {
  readonly principal: string
  readonly #key: KeyObject

  constructor(principal: string, privateKeyPem: string) {
    this.principal = principal
    this.#key = privateKey(privateKeyPem)
  }

  sign(message: Uint8Array): string {
    return sign(null, message, this.#key).toString('base64url')
  }
}

export class Ed25519Verifier implements SignatureVerifier {
  verify(publicKey: string, message: Uint8Array, signature: string): boolean {
    const raw = Buffer.from(signature, 'base64url')
    // Decoding is lenient; one signature has one text.
    if (raw.length !== 64 || raw.toString('base64url') !== signature) return false
    const key = publicKeyOf(publicKey)
    return key !== undefined && verify(null, message, key, raw)
  }
}

export interface SigningKeyPair {
  /** Raw 32 bytes in base64url: what a verifier pins. */
  readonly publicKey: string
  /** PKCS 8. Stays with its holder, mode 0600. */
  readonly privateKeyPem: string
}

export function generateSigningKey(): SigningKeyPair {
  const pair = generateKeyPairSync('ed25519')
  const { x } = pair.publicKey.export({ format: 'jwk' })
  return {
    publicKey: x as string,
    privateKeyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

function publicKeyOf(text: string): KeyObject | undefined {
  const raw = Buffer.from(text, 'base64url')
  if (raw.length !== 32 || raw.toString('base64url') !== text) return undefined
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' })
  } catch {
    // Not a point of the curve: nothing verifies under it.
    return undefined
  }
}

function privateKey(pem: string): KeyObject {
  const problem = {
    code: 'KEY_INVALID',
    class: 'permanent',
    hint: 'make one with `pointzero principal key`',
  } as const
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch (cause) {
    throw new RecoveryError({ ...problem, message: 'not a private key in PEM form', cause })
  }
  throw new RecoveryError({ ...problem, message: 'not an Ed25519 private key' })
}
