import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { SignatureVerifier, Signer } from '../../src/ports/signer.ts'

/** A key pair that is the same in every run: fixtures hold what it signed. */
export interface SampleKey extends Signer {
  readonly publicKey: string
}

const pkcs8Start = Buffer.from('302e020100300506032b657004220420', 'hex')

export function sampleKey(principal: string, seedByte: number): SampleKey {
  const der = Buffer.concat([pkcs8Start, Buffer.alloc(32, seedByte)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'jwk' }).x ?? ''
  return { principal, publicKey, sign: (message) => sign(null, message, key).toString('base64url') }
}

export const sampleVerifier: SignatureVerifier = {
  verify: (publicKey, message, signature) => {
    const key = keyFrom(publicKey)
    return key !== undefined && verify(null, message, key, Buffer.from(signature, 'base64url'))
  },
}

function keyFrom(publicKey: string): KeyObject | undefined {
  const raw = Buffer.from(publicKey, 'base64url')
  if (raw.length !== 32) return undefined
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
}
