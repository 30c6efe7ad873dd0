import type { Signer, SignatureVerifier } from '../ports/signer.ts'
import { hashText } from './sim-random.ts'

/** Signatures that nobody forges here, without the price of elliptic curves: a keyed hash, whose key is also the public one. */
export function simSigner(principal: string): Signer {
  return { principal, sign: (message) => signature(publicKeyOf(principal), message) }
}

export function publicKeyOf(principal: string): string {
  return `key-of-${principal}`
}

export const simVerifier: SignatureVerifier = {
  verify: (publicKey, message, found) => signature(publicKey, message) === found,
}

function signature(key: string, message: Uint8Array): string {
  let text = key
  for (const byte of message) text += String.fromCharCode(byte)
  return hashText(text).toString(16) + hashText(`${text}.`).toString(16)
}
