import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { RecoveryError } from '../domain/recovery-error.ts'

/**
 * The client side of SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL speaks it, without channel binding. Both sides prove
 * that they know the password: a server that can not is refused in `finish`.
 */
export class ScramClient {
  readonly #password: string
  readonly #nonce: string
  readonly #firstBare: string
  #expectedSignature: Buffer | undefined

  /** `nonce`: at least 18 random bytes in base64, new for each authentication. PostgreSQL ignores `user` here: leave it empty. */
  constructor(options: { readonly password: string; readonly nonce: string; readonly user?: string }) {
    if (!/^[\x21-\x2b\x2d-\x7e]{18,}$/.test(options.nonce)) {
      throw new RecoveryError({
        code: 'PG_SCRAM_NONCE',
        class: 'bug',
        message: 'a SCRAM nonce needs 18 or more printable characters without a comma',
        hint: 'pass 18 random bytes in base64',
      })
    }
    this.#password = prepare(options.password)
    this.#nonce = options.nonce
    this.#firstBare = `n=${escapeName(options.user ?? '')},r=${options.nonce}`
  }

  get first(): string {
    return `n,,${this.#firstBare}`
  }

  /** Answers server-first-message with client-final-message. */
  async answer(serverFirst: string): Promise<string> {
    const challenge = parseServerFirst(serverFirst, this.#nonce)
    const salted = await promisify(pbkdf2)(this.#password, challenge.salt, challenge.iterations, 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash('sha256').update(clientKey).digest()
    const withoutProof = `c=biws,r=${challenge.nonce}`
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`
    const proof = xor(clientKey, hmac(storedKey, authMessage))
    this.#expectedSignature = hmac(hmac(salted, 'Server Key'), authMessage)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /** Checks server-final-message. Unless it returns, the peer is not the server that knows this password. */
  finish(serverFinal: string): void {
    const expected = this.#expectedSignature
    if (expected === undefined) throw scramFailure('the server ended before it was asked')
    const attributes = parseAttributes(serverFinal)
    const refusal = attributes.get('e')
    if (refusal !== undefined) throw scramFailure(`the server says ${JSON.stringify(refusal)}`)
    const signature = base64(attributes.get('v'))
    if (signature === undefined || signature.length !== expected.length) {
      throw scramFailure('the server gave no signature')
    }
    if (!timingSafeEqual(signature, expected)) {
      throw scramFailure('the server does not know the password: this is not the server it claims to be')
    }
  }
}

/** RFC 7677 asks for 4096 or more; a stolen weaker exchange is quick to guess from. The upper bound ends a denial of service. */
const iterationBounds = { least: 4096, most: 1_000_000 } as const

function parseServerFirst(message: string, clientNonce: string) {
  if (message.startsWith('m=')) throw scramFailure('the server wants an unknown extension')
  const attributes = parseAttributes(message)
  const nonce = attributes.get('r') ?? ''
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) {
    throw scramFailure('the server did not extend our nonce')
  }
  const salt = base64(attributes.get('s'))
  if (salt === undefined || salt.length === 0) throw scramFailure('the server sent no salt')
  const count = attributes.get('i') ?? ''
  const iterations = /^[1-9]\d{0,9}$/.test(count) ? Number(count) : 0
  if (iterations < iterationBounds.least || iterations > iterationBounds.most) {
    throw scramFailure(
      `the server asks for ${JSON.stringify(count)} iterations; ` +
        `${iterationBounds.least} to ${iterationBounds.most} are accepted (scram_iterations, then set the password again)`,
    )
  }
  return { nonce, salt, iterations }
}

function parseAttributes(message: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>()
  for (const part of message.split(',')) {
    const name = part.slice(0, 1)
    if (part[1] !== '=' || attributes.has(name)) throw scramFailure('the server sent a malformed message')
    attributes.set(name, part.slice(2))
  }
  return attributes
}

/** Canonical base64 only; Buffer alone would skip over anything else. */
function base64(value: string | undefined): Buffer | undefined {
  if (value === undefined) return undefined
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value ? bytes : undefined
}

function hmac(key: Uint8Array, message: string): Buffer {
  return createHmac('sha256', key).update(message).digest()
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] as number)))
}

function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

const mappedToNothing =
  /\u{AD}|\u{34F}|\u{1806}|[\u{180B}-\u{180D}]|[\u{200B}-\u{200D}]|\u{2060}|[\u{FE00}-\u{FE0F}]|\u{FEFF}/gu
const otherSpaces = /[\u{A0}\u{1680}\u{2000}-\u{200A}\u{202F}\u{205F}\u{3000}]/gu

/**
 * SASLprep (RFC 4013) as far as passwords need it: ASCII stays as it is; other spaces become a space, invisible characters vanish,
 * then NFKC. What SASLprep prohibits is used unprepared, as PostgreSQL does on its side.
 */
function prepare(password: string): string {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7F]*$/.test(password)) return password
  const prepared = password.replaceAll(otherSpaces, ' ').replaceAll(mappedToNothing, '').normalize('NFKC')
  return prepared === '' || /[\p{Cc}\p{Co}\p{Cs}\p{Cn}]/u.test(prepared) ? password : prepared
}

function scramFailure(what: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_SCRAM_FAILED',
    class: 'permanent',
    message: `SCRAM authentication failed: ${what}`,
    hint: 'check that the address is the right one and nobody sits between: `psql "host=… sslmode=verify-full" -c "select 1"`',
  })
}
