/**
 * An ordered, reliable stream of bytes with another process: a TCP connection, a TLS session over one, or two ends in memory.
 *
 * Contract:
 * - What `read` resolves with is overwritten once `read` is called again: whoever needs it longer copies it (never a Buffer, whose
 *   `slice` does not copy).
 * - Reading applies back-pressure: when nobody reads, the peer is blocked after a bounded number of bytes.
 * - A lost connection makes pending and later calls reject with a RecoveryError of class `transient`.
 */
export interface ByteStream {
  /** The next bytes, at least one; `undefined` once the peer ended its side in an orderly way. One reader at a time. */
  read(): Promise<Uint8Array | undefined>
  /** Resolves when the stream takes more. It does not mean that the peer has the bytes. */
  write(bytes: Uint8Array): Promise<void>
  /** Client side of a TLS handshake on this stream; afterwards only the returned stream may be used. Absent where there is no TLS. */
  startTls?(options: TlsOptions): Promise<ByteStream>
  /** Idempotent; never throws; drops what was not sent yet after a short grace. Pending reads settle. */
  close(): void
}

export interface TlsOptions {
  /** The name that the certificate must carry, and the SNI name. An IP literal is checked against IP subject names. */
  readonly serverName: string
  /** `none` encrypts only: whoever intercepts the connection can read it. `full` checks chain and name. */
  readonly verify: 'none' | 'full'
  /** PEM; replaces the system's authorities. */
  readonly certificateAuthorities?: string
  /** PEM; what this side proves itself with. */
  readonly clientCertificate?: string
  readonly clientKey?: string
}
