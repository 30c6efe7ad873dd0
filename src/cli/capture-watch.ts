import { readPrimary } from '../capture/primary-reading.ts'
import type { PrimaryReading } from '../capture/capture-state.ts'
import {
  listDatabases,
  loadRelationNames,
  noteRelationNames,
  readRelationNames,
} from '../capture/relation-names.ts'
import type { RelationName } from '../capture/relation-names.ts'
import type { CaptureConfig } from '../domain/capture-config.ts'
import type { ArchiveDirectory } from '../ports/archive-directory.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import { connectForCapture } from './capture-sources.ts'
import type { CaptureLogin } from './capture-sources.ts'

export interface CaptureWatchSetup {
  readonly config: CaptureConfig
  readonly database: string
  readonly login: CaptureLogin
  readonly archive: ArchiveDirectory
  readonly clock: Clock
  readonly log: Log
}

const namesIntervalMs = 30_000

/** Asks the primary over ordinary sessions what the stream does not say. Failing here stops nothing. */
export class CaptureWatch {
  readonly #setup: CaptureWatchSetup
  #session: { readonly source: string; readonly connection: PostgresConnection } | undefined
  #namesAtMs = Number.NEGATIVE_INFINITY
  #namesOf = 0

  constructor(setup: CaptureWatchSetup) {
    this.#setup = setup
  }

  /** `source` is where the receiver streams from, `host:port`; `newRelations` grows when the names have to be noted again. */
  async read(source: string | undefined, newRelations: number): Promise<PrimaryReading | undefined> {
    if (source === undefined) return undefined
    const { clock, config, log } = this.#setup
    try {
      const connection = await this.#connected(source)
      const { applicationName, slot } = config
      const atMs = clock.now()
      const reading = await readPrimary(connection, {
        applicationName,
        atMs,
        ...(slot === undefined ? {} : { slot }),
      })
      const isDue = clock.monotonicMs() - this.#namesAtMs > namesIntervalMs
      if (isDue || newRelations !== this.#namesOf) await this.#tryNames(source, connection)
      this.#namesOf = newRelations
      return reading
    } catch (error) {
      log.warn('capture-watch-failed', { error: error instanceof Error ? error.message : String(error) })
      this.close()
      return undefined
    }
  }

  close(): void {
    this.#session?.connection.close()
    this.#session = undefined
  }

  async #connected(source: string): Promise<PostgresConnection> {
    if (this.#session?.source === source) return this.#session.connection
    this.close()
    const connection = await this.#open(source, this.#setup.database)
    this.#session = { source, connection }
    return connection
  }

  async #open(source: string, database: string): Promise<PostgresConnection> {
    const { config, login } = this.#setup
    const endpoint = config.sources.find(({ address, port }) => `${address}:${port}` === source)
    if (endpoint === undefined) throw new Error(`${source} is not configured`)
    return connectForCapture(endpoint, login, { database })
  }

  /** Names only help people to read what was found: the true state is told without them. */
  async #tryNames(source: string, connection: PostgresConnection): Promise<void> {
    try {
      await this.#noteNames(source, connection)
    } catch (error) {
      this.#namesAtMs = this.#setup.clock.monotonicMs()
      this.#setup.log.warn('capture-names-failed', { error: String(error) })
    }
  }

  async #noteNames(source: string, connection: PostgresConnection): Promise<void> {
    const { archive, clock } = this.#setup
    const names: RelationName[] = []
    for (const database of await listDatabases(connection)) {
      const session = await this.#open(source, database)
      try {
        names.push(...(await readRelationNames(session)))
      } finally {
        session.close()
      }
    }
    const { last, lastSequence } = await loadRelationNames(archive)
    if (textOf(names) !== textOf(last))
      await noteRelationNames(archive, names, { sequence: lastSequence + 1, atMs: Math.round(clock.now()) })
    this.#namesAtMs = clock.monotonicMs()
  }
}

/** Estimates of row counts change all the time and are no reason to note the names again, unless by an order of magnitude. */
function textOf(names: readonly RelationName[]): string {
  const magnitude = (rows: number): number => Math.ceil(Math.log2(Math.max(rows, 1)))
  return JSON.stringify(
    names.map(({ database, file, databaseName, schema, name, rows }) => [
      database,
      file,
      databaseName,
      schema,
      name,
      magnitude(rows),
    ]),
  )
}
