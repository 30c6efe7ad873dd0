import { createHash, createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Random } from '../ports/random.ts'
import type { PackKeys, PackPlace } from './chunk-seal.ts'
import { openSealed, rawPublic, sealTo, x25519Private } from './hpke.ts'
import type { SealedKey } from './hpke.ts'

/** Whoever may open the vault: the public half of an X25519 key. The writer needs no more than that. */
export interface Recipient {
  /** 16 bytes of SHA-256 over the public key. */
  readonly id: Uint8Array
  readonly publicKey: Uint8Array
}

/** The private half: whoever holds one can read everything that was wrapped for it. */
export interface RecoveryKey {
  readonly id: Uint8Array
  readonly privateKey: KeyObject
}

export interface WrappedKey {
  readonly recipient: Uint8Array
  readonly sealed: SealedKey
}

export const recipientIdBytes = 16
/** Two keys of 32 bytes and the tag. */
export const wrappedCiphertextBytes = 80

export function recipientOf(publicKey: string): Recipient {
  const raw = Buffer.from(publicKey, 'base64url')
  if (raw.length !== 32 || raw.toString('base64url') !== publicKey) {
    throw keyInvalid(
      `not a recipient's key of 32 bytes in base64url: ${JSON.stringify(publicKey.slice(0, 60))}`,
    )
  }
  return { id: idOf(raw), publicKey: raw }
}

export function parseRecoveryKey(pem: string): RecoveryKey {
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch (error) {
    throw keyInvalid('not a private key in PEM form', error)
  }
  if (privateKey.asymmetricKeyType !== 'x25519') throw keyInvalid('not an X25519 private key')
  return { id: idOf(rawPublic(privateKey)), privateKey }
}

export interface RecoveryKeyPair {
  /** Raw 32 bytes in base64url. */
  readonly publicKey: string
  /** PKCS 8. */
  readonly privateKeyPem: string
}

export function makeRecoveryKey(random: Random): RecoveryKeyPair {
  const key = x25519Private(random.bytes(32))
  return {
    publicKey: Buffer.from(rawPublic(key)).toString('base64url'),
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }),
  }
}

export function wrapKeys(
  recipient: Recipient,
  place: PackPlace,
  keys: PackKeys,
  ephemeral: Uint8Array,
): WrappedKey {
  const plaintext = Buffer.concat([keys.dataKey, keys.idKey])
  const sealed = sealTo(recipient.publicKey, plaintext, { info: infoOf(place), ephemeral })
  return { recipient: recipient.id, sealed }
}

/** Throws when it was wrapped for another key or another pack. */
export function unwrapKeys(key: RecoveryKey, place: PackPlace, wrapped: WrappedKey): PackKeys {
  const plaintext = openSealed(key.privateKey, wrapped.sealed, infoOf(place))
  return { dataKey: plaintext.subarray(0, 32), idKey: plaintext.subarray(32, 64) }
}

function infoOf({ vault, epoch, pack }: PackPlace): Uint8Array {
  return Buffer.concat([
    Buffer.from(`pointzero/vault-pack-key/1\n${vault}\n${epoch}\n`),
    Buffer.from(pack, 'hex'),
  ])
}

function idOf(publicKey: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update('pointzero/vault-recipient/1\n').update(publicKey).digest()
  return digest.subarray(0, recipientIdBytes)
}

function keyInvalid(message: string, cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_KEY_INVALID',
    class: 'invalid-estate',
    message,
    hint: 'make one with `pointzero vault key`',
    ...(cause === undefined ? {} : { cause }),
  })
}
