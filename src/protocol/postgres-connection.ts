import { RecoveryError } from '../domain/recovery-error.ts'
import type { ByteStream } from '../ports/byte-stream.ts'
import { ByteReader } from './byte-reader.ts'
import {
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeQuery,
  encodeTerminate,
} from './postgres-message.ts'
import type { BackendMessage } from './postgres-message.ts'
import { decodeServerReport, PostgresServerError } from './postgres-server-error.ts'
import type { ServerReport } from './postgres-server-error.ts'
import { nextMessage, startSession, unexpected } from './postgres-startup.ts'
import type { StartedSession, StartupOptions } from './postgres-startup.ts'
import { protocolViolation } from './protocol-violation.ts'

export interface PostgresConnectionOptions extends StartupOptions {
  readonly onNotice?: (report: ServerReport) => void
}

/** One result set, every value in its text form. */
export interface QueryResult {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** For example `SELECT 2`. */
  readonly tag: string
}

/** What the server sends for one query, in its order. `bytes` are good until the next event is asked for. */
export type QueryEvent =
  | { readonly kind: 'columns'; readonly names: readonly string[] }
  | { readonly kind: 'row'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'complete'; readonly tag: string }
  | { readonly kind: 'copy-out' | 'copy-both' | 'copy-done' }
  | { readonly kind: 'copy-data'; readonly bytes: Uint8Array }

/** Both directions of a COPY at once: START_REPLICATION. */
export interface CopyBoth {
  /** The next payload, good until the next call; `undefined` once the server ended its side. */
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): Promise<void>
  /** Ends our side, reads the rest away and returns the result sets that follow. The connection serves queries again. */
  finish(): Promise<readonly QueryResult[]>
}

export async function openPostgresConnection(
  stream: ByteStream,
  options: PostgresConnectionOptions,
): Promise<PostgresConnection> {
  try {
    return new PostgresConnection(await startSession(stream, options), options.onNotice)
  } catch (error) {
    stream.close()
    throw error
  }
}

/** One session, one request at a time. */
export class PostgresConnection {
  readonly #session: StartedSession
  readonly #onNotice: ((report: ServerReport) => void) | undefined
  #state: 'ready' | 'busy' | 'closed' = 'ready'
  /** What the server answered to the query that is under way; it goes on until it says that it is ready. */
  #failure: PostgresServerError | undefined

  constructor(session: StartedSession, onNotice?: (report: ServerReport) => void) {
    this.#session = session
    this.#onNotice = onNotice
  }

  /** What the server reported about itself: server_version, in_hot_standby, … */
  get parameters(): ReadonlyMap<string, string> {
    return this.#session.parameters
  }

  get encrypted(): boolean {
    return this.#session.encrypted
  }

  /** The server process of this session, unique among the sessions of its server. */
  get processId(): number {
    return this.#session.processId
  }

  get majorVersion(): number {
    return Number.parseInt(this.parameters.get('server_version') ?? '0', 10)
  }

  /**
   * `repeatable`: running it twice does no harm, so a lost connection is `transient`. Otherwise nobody knows whether the server
   * performed it: PG_OUTCOME_UNKNOWN.
   */
  async simpleQuery(
    sql: string,
    options: { readonly repeatable?: boolean } = {},
  ): Promise<readonly QueryResult[]> {
    try {
      return await collectResults(this.events(sql))
    } catch (error) {
      if (options.repeatable === true || this.#state !== 'closed') throw error
      throw outcomeUnknown(sql, error)
    }
  }

  /** The payloads of COPY … TO STDOUT, as fast as they are taken; each is good until the next one. Leaving the loop early closes the connection. */
  async *copyOut(sql: string): AsyncGenerator<Uint8Array, void, undefined> {
    let copied = false
    for await (const event of this.events(sql)) {
      if (event.kind === 'copy-out') copied = true
      if (event.kind === 'copy-data') yield event.bytes
    }
    if (!copied) throw protocolViolation('the query started no copy')
  }

  async copyBoth(sql: string): Promise<CopyBoth> {
    await this.#ask(sql)
    const first = await this.#nextEvent()
    const { stream } = this.#session
    // A server without anything to send on this timeline answers with the result set at once.
    const began = first?.kind === 'copy-both'
    let open = began
    const rest = first === undefined ? [] : chain(first, this.#restOfEvents())
    return {
      // Not through a generator: commits wait for this path.
      read: async () => {
        if (!open) return undefined
        const event = await this.#nextEvent()
        if (event?.kind === 'copy-data') return event.bytes
        open = false
        return undefined
      },
      write: (bytes) => stream.write(encodeCopyData(bytes)),
      async finish() {
        if (began) await stream.write(encodeCopyDone())
        return collectResults(rest)
      },
    }
  }

  /** Everything that the server sends for `sql`. Leaving the loop early closes the connection. */
  async *events(sql: string): AsyncGenerator<QueryEvent, void, undefined> {
    await this.#ask(sql)
    yield* this.#restOfEvents()
  }

  /** Idempotent. The server gives up temporary slots and running requests of this session. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const { stream } = this.#session
    stream.write(encodeTerminate()).catch(() => undefined)
    stream.close()
  }

  async #ask(sql: string): Promise<void> {
    if (this.#state !== 'ready') throw notReady(this.#state)
    this.#state = 'busy'
    this.#failure = undefined
    try {
      await this.#session.stream.write(encodeQuery(sql))
    } catch (error) {
      this.close()
      throw error
    }
  }

  async *#restOfEvents(): AsyncGenerator<QueryEvent, void, undefined> {
    try {
      for (let event = await this.#nextEvent(); event !== undefined; event = await this.#nextEvent())
        yield event
    } finally {
      // Reached with `busy` when the consumer left: nobody knows where in the dialogue it stands.
      if (this.#state === 'busy') this.close()
    }
  }

  /** `undefined` once the server is ready for the next query; its error, if there was one, then. What else fails closes the connection. */
  async #nextEvent(): Promise<QueryEvent | undefined> {
    try {
      for (;;) {
        const message = await this.#nextMessage()
        if (message.type === 'Z') break
        if (message.type === 'E') this.#noteFailure(message)
        else if (message.type === 'G')
          await this.#session.stream.write(encodeCopyFail('Pointzero copies nothing in'))
        else {
          const event = interpret(message)
          if (this.#failure === undefined) return event
        }
      }
    } catch (error) {
      this.close()
      throw error
    }
    if (this.#state === 'busy') this.#state = 'ready'
    if (this.#failure !== undefined) throw this.#failure
    return undefined
  }

  #noteFailure(message: BackendMessage): void {
    this.#failure ??= new PostgresServerError(decodeServerReport(message.body))
    if (this.#failure.severity !== 'ERROR') throw this.#failure
  }

  async #nextMessage(): Promise<BackendMessage> {
    for (;;) {
      const message = await nextMessage(this.#session.stream, this.#session.scanner)
      if (message.type === 'N') this.#onNotice?.(decodeServerReport(message.body))
      else if (message.type === 'S') {
        const reader = new ByteReader(message.body)
        this.#session.parameters.set(reader.cString(), reader.cString())
      } else if (message.type !== 'A') return message
    }
  }
}

function interpret(message: BackendMessage): QueryEvent {
  switch (message.type) {
    case 'd':
      return { kind: 'copy-data', bytes: message.body }
    case 'T':
      return { kind: 'columns', names: decodeColumns(message.body) }
    case 'D':
      return { kind: 'row', values: decodeRow(message.body) }
    case 'C':
      return { kind: 'complete', tag: new ByteReader(message.body).cString() }
    case 'I':
      return { kind: 'complete', tag: '' }
    case 'H':
      return { kind: 'copy-out' }
    case 'W':
      return { kind: 'copy-both' }
    case 'c':
      return { kind: 'copy-done' }
    default:
      throw unexpected(message, 'during a query')
  }
}

async function collectResults(
  events: AsyncIterable<QueryEvent> | Iterable<QueryEvent>,
): Promise<readonly QueryResult[]> {
  const results: QueryResult[] = []
  let columns: readonly string[] = []
  let rows: (readonly (string | null)[])[] = []
  for await (const event of events) {
    if (event.kind === 'columns') columns = event.names
    else if (event.kind === 'row') rows.push(event.values)
    else if (event.kind === 'complete') {
      results.push({ columns, rows, tag: event.tag })
      columns = []
      rows = []
    }
  }
  // A walsender sends no CommandComplete after some result sets.
  if (rows.length > 0) results.push({ columns, rows, tag: '' })
  return results
}

async function* chain<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield first
  yield* rest
}

function decodeColumns(body: Uint8Array): readonly string[] {
  const reader = new ByteReader(body)
  const names: string[] = []
  for (let left = reader.int16(); left > 0; left--) {
    names.push(reader.cString())
    reader.bytes(18)
  }
  return names
}

const text = new TextDecoder('utf-8')

function decodeRow(body: Uint8Array): readonly (string | null)[] {
  const reader = new ByteReader(body)
  const values: (string | null)[] = []
  for (let left = reader.int16(); left > 0; left--) {
    const length = reader.int32()
    values.push(length === -1 ? null : text.decode(reader.bytes(length)))
  }
  return values
}

function notReady(state: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_CONNECTION_NOT_READY',
    class: 'bug',
    message: `a query on a connection that is ${state}`,
    hint: 'finish or close what runs on this connection first; open another one for a second request',
  })
}

function outcomeUnknown(sql: string, cause: unknown): RecoveryError {
  const command = sql.trim().split(/\s+/, 1)[0] ?? ''
  return new RecoveryError({
    code: 'PG_OUTCOME_UNKNOWN',
    class: 'unknown-outcome',
    message: `the connection was lost during ${command}: it may have been performed`,
    hint: 'read the state back before repeating it',
    cause,
  })
}
