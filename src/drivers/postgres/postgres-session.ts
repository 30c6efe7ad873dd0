import { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { Client } from 'pg'
import type { QueryConfig, QueryResultRow } from 'pg'
import type { Clock } from '../../ports/clock.ts'
import { withDeadline } from './deadline.ts'
import { classify, unreachable } from './postgres-failure.ts'

export interface SessionTarget {
  /** For messages. */
  readonly member: string
  /** An address, or the absolute path of a socket directory. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password?: string
  readonly applicationName: string
  /** PEM of whoever signs certificates of members. Absent: not encrypted; over a socket directory nothing has to be. */
  readonly authority?: string
  /** Settings of this session; they win over what roles and databases say. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The certificate must be of this host: `host` is what node compares with its names and addresses. */
function tlsTo(host: string, ca: string): ConnectionOptions {
  return { host, ca, minVersion: 'TLSv1.3', rejectUnauthorized: true }
}

/** One connection. Every wait has an end, and the end is that the socket closes: nothing is ever cancelled on the server. */
export class PostgresSession {
  readonly #clock: Clock
  readonly #target: SessionTarget
  readonly #socket: Socket
  readonly #client: Client
  #warnings = 0
  #broken = false

  private constructor(clock: Clock, target: SessionTarget) {
    this.#clock = clock
    this.#target = target
    this.#socket = new Socket()
    const options = Object.entries(target.settings ?? {}).map(([name, value]) => `-c ${name}=${value}`)
    this.#client = new Client({
      host: target.host,
      port: target.port,
      user: target.user,
      database: target.database,
      application_name: target.applicationName,
      options: ['-c lc_messages=C', ...options].join(' '),
      stream: () => this.#socket,
      ssl: target.authority === undefined ? false : tlsTo(target.host, target.authority),
      ...(target.password === undefined ? {} : { password: target.password }),
    })
    this.#client.on('error', () => this.close())
    this.#client.on('notice', ({ severity }) => {
      if (severity === 'WARNING') this.#warnings += 1
    })
  }

  static async open(clock: Clock, target: SessionTarget, timeoutMs: number): Promise<PostgresSession> {
    const session = new PostgresSession(clock, target)
    await session.#within(timeoutMs, session.#client.connect())
    return session
  }

  get broken(): boolean {
    return this.#broken
  }

  /** How many warnings the server has sent: a commit whose wait was cancelled succeeds with one (cancel hole). */
  get warnings(): number {
    return this.#warnings
  }

  async query<R extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
    timeoutMs: number,
  ): Promise<readonly R[]> {
    return await this.#ask<R>({ text, values: [...values] }, timeoutMs)
  }

  /** For a long text that is asked again and again: the server parses and plans it once a connection. */
  async prepared<R extends QueryResultRow>(
    name: string,
    text: string,
    values: readonly unknown[],
    timeoutMs: number,
  ): Promise<readonly R[]> {
    return await this.#ask<R>({ name, text, values: [...values] }, timeoutMs)
  }

  /** Idempotent. */
  close(): void {
    this.#broken = true
    // Nothing waits inside the kernel for the peer: the socket is gone when this returns.
    this.#socket.destroy()
  }

  async #ask<R extends QueryResultRow>(query: QueryConfig, timeoutMs: number): Promise<readonly R[]> {
    if (this.#broken) throw unreachable(this.#target.member, 'the connection is lost')
    const { rows } = await this.#within(timeoutMs, this.#client.query<R>(query))
    return rows
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const late = (): Error => unreachable(this.#target.member, `no answer within ${timeoutMs} ms`)
    try {
      return await withDeadline(this.#clock, timeoutMs, work, late)
    } catch (error) {
      const classified = classify(this.#target.member, error)
      if (classified.class === 'transient') this.close()
      throw classified
    }
  }
}
