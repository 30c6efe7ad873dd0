import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/**
 * Hybrid public key encryption, RFC 9180: base mode, one message a key, DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001,
 * AES-256-GCM 0x0002, empty associated data.
 */
export interface SealedKey {
  /** The ephemeral public key, 32 bytes. */
  readonly encapsulated: Uint8Array
  /** As long as the plaintext, and 16 bytes of tag. */
  readonly ciphertext: Uint8Array
}

export const encapsulatedBytes = 32
export const sealOverheadBytes = 16

const kemSuite = Buffer.from('4b454d0020', 'hex')
const hpkeSuite = Buffer.from('48504b45002000010002', 'hex')
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const nothing = new Uint8Array(0)

/** `ephemeral` are 32 bytes of chance, used once. */
export function sealTo(
  recipient: Uint8Array,
  plaintext: Uint8Array,
  options: { readonly info: Uint8Array; readonly ephemeral: Uint8Array },
): SealedKey {
  const ephemeral = x25519Private(options.ephemeral)
  const encapsulated = rawPublic(ephemeral)
  const shared = diffieHellman({ privateKey: ephemeral, publicKey: x25519Public(recipient) })
  const { key, nonce } = schedule(shared, Buffer.concat([encapsulated, recipient]), options.info)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return { encapsulated, ciphertext }
}

/** Throws when it was not sealed to this key with this info, or was changed since. */
export function openSealed(privateKey: KeyObject, sealed: SealedKey, info: Uint8Array): Uint8Array {
  const shared = diffieHellman({ privateKey, publicKey: x25519Public(sealed.encapsulated) })
  const { key, nonce } = schedule(shared, Buffer.concat([sealed.encapsulated, rawPublic(privateKey)]), info)
  const end = sealed.ciphertext.length - sealOverheadBytes
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(sealed.ciphertext.subarray(end))
  return Buffer.concat([decipher.update(sealed.ciphertext.subarray(0, end)), decipher.final()])
}

/** RFC 8410 around the raw 32 bytes. */
export function x25519Private(raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privatePrefix, raw]), format: 'der', type: 'pkcs8' })
}

export function rawPublic(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(publicPrefix.length)
}

function x25519Public(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([publicPrefix, raw]), format: 'der', type: 'spki' })
}

function schedule(
  shared: Uint8Array,
  kemContext: Uint8Array,
  info: Uint8Array,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const kemKey = extract(nothing, 'eae_prk', shared, kemSuite)
  const secret0 = expand(kemKey, 'shared_secret', kemContext, 32, kemSuite)
  const context = Buffer.concat([
    Buffer.of(0),
    extract(nothing, 'psk_id_hash', nothing, hpkeSuite),
    extract(nothing, 'info_hash', info, hpkeSuite),
  ])
  const secret = extract(secret0, 'secret', nothing, hpkeSuite)
  return {
    key: expand(secret, 'key', context, 32, hpkeSuite),
    nonce: expand(secret, 'base_nonce', context, 12, hpkeSuite),
  }
}

function extract(salt: Uint8Array, label: string, ikm: Uint8Array, suite: Uint8Array): Uint8Array {
  return createHmac('sha256', salt).update('HPKE-v1').update(suite).update(label).update(ikm).digest()
}

/** One block is enough: 32 bytes at most. */
function expand(prk: Uint8Array, label: string, info: Uint8Array, length: number, suite: Uint8Array) {
  const mac = createHmac('sha256', prk).update(Buffer.of(0, length)).update('HPKE-v1')
  return mac.update(suite).update(label).update(info).update(Buffer.of(1)).digest().subarray(0, length)
}
