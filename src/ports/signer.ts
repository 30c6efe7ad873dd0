/** Ed25519 (RFC 8032) over bytes. Keys are named by the principal that holds them; a verifier pins public keys. */
export interface Signer {
  readonly principal: string
  /** Base64url signature, 64 bytes. */
  sign(message: Uint8Array): string
}

export interface SignatureVerifier {
  /** `publicKey` is the raw 32 byte key in base64url. False for anything malformed. */
  verify(publicKey: string, message: Uint8Array, signature: string): boolean
}
