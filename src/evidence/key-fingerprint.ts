import { createHash } from 'node:crypto'

/** A short name for a public key that people can compare by eye: the first 16 bytes of its SHA-256. */
export function keyFingerprint(publicKey: string): string {
  const raw = Buffer.from(publicKey, 'base64url')
  return createHash('sha256').update(raw).digest('hex').slice(0, 32)
}
