import { Client } from 'pg'
import { databaseTls } from '../database-tls.ts'

export interface DatabaseTarget {
  readonly address: string
  readonly port: number
  readonly database: string
  readonly user: string
}

export interface ConfirmedResult {
  readonly rows: readonly Record<string, unknown>[]
  /**
   * The server answered with success and a warning: the wait for the standby was cancelled, so the commit is visible
   * here and may exist nowhere else. It is not an acknowledgement.
   */
  readonly soft: boolean
}

/** One session whose commits are either confirmed, soft, refused as read-only, or of unknown outcome (an exception); never anything else. */
export interface ConfirmedConnection {
  /** After any exception but one that `isReadOnly` knows it is closed. */
  run(sql: string, values: readonly unknown[]): Promise<ConfirmedResult>
  close(): void
}

/**
 * A time-out closes the socket and never sends a cancel: a cancel while a commit waits for its standby makes PostgreSQL report
 * success for a commit that was not replicated.
 */
export async function connectConfirmed(
  target: DatabaseTarget,
  timeoutMs: number,
): Promise<ConfirmedConnection> {
  const client = new Client({
    host: target.address,
    port: target.port,
    database: target.database,
    user: target.user,
    ssl: databaseTls(),
    application_name: 'exchange',
    keepAlive: true,
  })
  let warned = false
  let broken: Error | undefined
  client.on('notice', ({ severity, code }) => {
    // The code too, because the severity's word depends on the server's language.
    warned ||= severity === 'WARNING' || code?.startsWith('01') === true || code?.startsWith('57') === true
  })
  client.on('error', (error) => (broken = error))
  const close = (): void => {
    broken ??= new Error('closed')
    destroySocket(client)
  }
  await within(client.connect(), timeoutMs, close)
  return {
    close,
    async run(sql, values) {
      if (broken !== undefined) throw broken
      warned = false
      const { rows } = await within(client.query(sql, [...values]), timeoutMs, (error) => {
        if (!isReadOnly(error)) close()
      })
      return { rows, soft: warned }
    },
  }
}

/**
 * A standby, or a primary that refuses writes, says so of every statement: nothing happened for certain, and the session is as good as
 * before. Whoever connects anew for each keeps a server busy with handshakes alone.
 */
export function isReadOnly(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === '25006'
}

async function within<T>(work: Promise<T>, timeoutMs: number, failed: (error: unknown) => void): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`no answer in ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    return await Promise.race([work, promise])
  } catch (error) {
    failed(error)
    throw error
  } finally {
    clearTimeout(timer)
    work.catch(() => {}) // it was given up; how it ends is of no interest
  }
}

/** pg's own end() would first finish what is in flight. */
function destroySocket(client: Client): void {
  const { connection } = client as unknown as {
    readonly connection: { readonly stream: { destroy(): void } }
  }
  connection.stream.destroy()
}

/** A timeline as PostgreSQL writes it in the names of WAL files. */
export function timelineNumber(text: unknown): number {
  return Number.parseInt(String(text), 16)
}
