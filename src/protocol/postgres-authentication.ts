import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import { ByteReader } from './byte-reader.ts'
import { encodePassword, encodeSaslInitialResponse, encodeSaslResponse } from './postgres-message.ts'
import { ScramClient } from './postgres-scram.ts'
import { protocolViolation } from './protocol-violation.ts'

export interface Credentials {
  readonly user: string
  readonly password?: string
  /** 18 or more random bytes in base64, asked for once per SCRAM exchange. */
  readonly nonce: () => string
}

const request = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/**
 * Answers the AuthenticationXxx messages of one session. A server that started SCRAM has to finish it: one that says "ok"
 * halfway did not prove that it knows the password.
 */
export class Authenticator {
  readonly #credentials: Credentials
  readonly #encrypted: boolean
  #scram: ScramClient | undefined
  #scramProved = false
  #answered = false

  constructor(credentials: Credentials, encrypted: boolean) {
    this.#credentials = credentials
    this.#encrypted = encrypted
  }

  /** What to send back for one 'R' message; `'done'` after AuthenticationOk. */
  async answer(body: Uint8Array): Promise<Uint8Array | 'done' | undefined> {
    const reader = new ByteReader(body)
    const kind = reader.int32()
    switch (kind) {
      case request.ok:
        if (this.#scram !== undefined && !this.#scramProved) {
          throw protocolViolation('the server cut SCRAM short')
        }
        return 'done'
      case request.cleartext:
        this.#once()
        if (!this.#encrypted) throw refusedCleartext()
        return encodePassword(this.#password())
      case request.md5:
        this.#once()
        return encodePassword(md5Answer(this.#credentials.user, this.#password(), reader.bytes(4)))
      case request.sasl:
        this.#once()
        return this.#startScram(reader)
      case request.saslContinue:
        if (this.#scram === undefined) throw protocolViolation('SCRAM goes on that never began')
        return encodeSaslResponse(await this.#scram.answer(textOf(reader.rest())))
      case request.saslFinal:
        if (this.#scram === undefined) throw protocolViolation('SCRAM ends that never began')
        this.#scram.finish(textOf(reader.rest()))
        this.#scramProved = true
        return undefined
      default:
        throw unsupported(`method ${kind} (Kerberos, GSSAPI, SSPI or OAuth)`)
    }
  }

  #startScram(reader: ByteReader): Uint8Array {
    const offered: string[] = []
    for (let name = reader.cString(); name !== ''; name = reader.cString()) offered.push(name)
    if (!offered.includes('SCRAM-SHA-256')) throw unsupported(`SASL ${offered.join(', ')}`)
    this.#scram = new ScramClient({ password: this.#password(), nonce: this.#credentials.nonce() })
    return encodeSaslInitialResponse('SCRAM-SHA-256', this.#scram.first)
  }

  /** A second request in one session could collect the password in a weaker form. */
  #once(): void {
    if (this.#answered) throw protocolViolation('the server asks for the password twice')
    this.#answered = true
  }

  #password(): string {
    const { password, user } = this.#credentials
    if (password !== undefined) return password
    throw new RecoveryError({
      code: 'PG_PASSWORD_MISSING',
      class: 'permanent',
      message: `the server asks for the password of ${user}, none is configured`,
      hint: `give ${user} a password secret in the estate, then \`pointzero check\``,
    })
  }
}

function md5Answer(user: string, password: string, salt: Uint8Array): string {
  const inner = createHash('md5').update(`${password}${user}`).digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8').decode(bytes)
}

function refusedCleartext(): RecoveryError {
  return new RecoveryError({
    code: 'PG_CLEARTEXT_REFUSED',
    class: 'refused',
    message: 'the server asks for the password in clear text on a connection without TLS',
    hint: 'set tls to verify-full, or use scram-sha-256 in pg_hba.conf and `select pg_reload_conf()`',
  })
}

function unsupported(what: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_AUTHENTICATION_UNSUPPORTED',
    class: 'permanent',
    message: `the server wants ${what}; Pointzero speaks SCRAM-SHA-256, md5 and certificates`,
    hint: 'add a pg_hba.conf line `hostssl replication <role> <address> scram-sha-256` and `select pg_reload_conf()`',
  })
}
