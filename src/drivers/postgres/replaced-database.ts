import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseLsn } from '../../domain/lsn.ts'
import type { Lsn } from '../../domain/lsn.ts'
import type { Clock } from '../../ports/clock.ts'
import type {
  ExportedRows,
  ReplacedDatabase,
  SequenceHeight,
  UndoneTransaction,
} from '../../ports/isolated-database.ts'
import { readableControlFile } from './control-file.ts'
import { exportRows } from './export-rows.ts'
import type { ExportSource } from './export-rows.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { crossPort } from './postgres-failure.ts'
import type { PostgresSession } from './postgres-session.ts'
import { RecoveryPlace } from './recovery-place.ts'
import { withinRecoverySession } from './recovery-session.ts'

const answerMs = 5_000
const longMs = 60_000

/** The database that a recovery replaces: asked while it runs, looked at while it lies there, changed never. */
export function openReplacedDatabase(config: PostgresMemberConfig, clock: Clock): ReplacedDatabase {
  return new PostgresReplaced(config, clock)
}

class PostgresReplaced implements ReplacedDatabase {
  readonly #config: PostgresMemberConfig
  readonly #clock: Clock
  readonly #wal: string

  constructor(config: PostgresMemberConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#wal = join(config.dataDirectory, 'pg_wal')
  }

  async flushedLsn(): Promise<Lsn | undefined> {
    const text = `select case when not pg_is_in_recovery() then pg_current_wal_flush_lsn()::text end as lsn`
    try {
      const [row] = await this.#ask<{ lsn: string | null }>(text)
      return typeof row?.lsn === 'string' ? parseLsn(row.lsn) : undefined
    } catch (error) {
      if ((error as { class?: string }).class === 'transient') return undefined
      throw error
    }
  }

  async sequences(): Promise<readonly SequenceHeight[]> {
    return await crossPort(this.#config.name, async () => {
      const found: SequenceHeight[] = []
      for (const database of await this.#databases()) {
        const rows = await this.#within(
          async (session) => session.query<NamedSequence>(sequencesQuery, [], longMs),
          database,
        )
        found.push(
          ...rows.map(({ schema, name, value }) => ({ database, schema, name, value, lowest: value })),
        )
      }
      return found
    })
  }

  async exportRows(run: string, transactions: readonly UndoneTransaction[]): Promise<ExportedRows> {
    return await crossPort(this.#config.name, async () => {
      const place = new RecoveryPlace(this.#config, run)
      await place.make()
      const source: ExportSource = {
        databases: await this.#databases(),
        within: async (use, database) => await this.#within(use, database),
        place,
        owner: this.#config.runAs,
      }
      return await exportRows(source, transactions)
    })
  }

  async newestTimeline(): Promise<number> {
    return await crossPort(this.#config.name, async () => {
      const control = await readableControlFile(this.#config.dataDirectory)
      const named = (await walNames(this.#wal)).map((name) => Number.parseInt(name.slice(0, 8), 16))
      return named.reduce((highest, one) => Math.max(highest, one), control?.timeline ?? 0)
    })
  }

  async walFiles(): Promise<readonly string[]> {
    return await crossPort(this.#config.name, async () => await walNames(this.#wal))
  }

  async readWal(name: string): Promise<Uint8Array | undefined> {
    return await crossPort(this.#config.name, async () => {
      if (!(await walNames(this.#wal)).includes(name)) return undefined
      return new Uint8Array(await readFile(join(this.#wal, name)))
    })
  }

  async #databases(): Promise<readonly string[]> {
    const text = 'select datname as name from pg_database where datallowconn and not datistemplate order by 1'
    return (await this.#ask<{ name: string }>(text)).map(({ name }) => name)
  }

  async #ask<R extends Readonly<Record<string, unknown>>>(text: string): Promise<readonly R[]> {
    return await this.#within(async (session) => session.query<R>(text, [], answerMs), this.#config.database)
  }

  async #within<T>(use: (session: PostgresSession) => Promise<T>, database: string): Promise<T> {
    return await withinRecoverySession(this.#config, this.#clock, database, use)
  }
}

interface NamedSequence {
  readonly [name: string]: unknown
  readonly schema: string
  readonly name: string
  readonly value: string
}

const sequencesQuery = `select schemaname as schema, sequencename as name, last_value::text as value
  from pg_sequences where last_value is not null`

/** Only what belongs there: a directory that is gone has none. */
async function walNames(wal: string): Promise<readonly string[]> {
  const found = await readdir(wal).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  return found.filter((name) => /^[0-9A-F]{24}$|^[0-9A-F]{8}\.history$/.test(name)).sort()
}
