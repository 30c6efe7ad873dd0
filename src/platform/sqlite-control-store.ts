import { chmodSync, closeSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { formats, requireFormat } from '../domain/format.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import { checkTransaction } from '../ports/control-store-limits.ts'
import type {
  ControlStore,
  StoreEntry,
  StoreTransaction,
  StoreTransactionResult,
} from '../ports/control-store.ts'

const schema = `
  CREATE TABLE store (id INTEGER PRIMARY KEY CHECK (id = 1), format TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX entries_by_revision ON entries (revision);
`

/**
 * The control store in one SQLite file, which this process alone has open. A commit is one fsync of the write-ahead log
 * (synchronous=FULL), so a transaction that succeeded survives a power cut.
 */
export class SqliteControlStore implements ControlStore {
  readonly #clock: Clock
  readonly #database: DatabaseSync
  readonly #get: StatementSync
  readonly #list: StatementSync
  readonly #changes: StatementSync
  readonly #put: StatementSync
  readonly #setRevision: StatementSync
  #revision: number
  #changed = new AbortController()
  #closed = false

  constructor(clock: Clock, path: string) {
    this.#clock = clock
    this.#database = openDatabase(path)
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql)
    const columns = 'SELECT key, value, revision FROM entries'
    this.#get = prepare(`${columns} WHERE key = ?`)
    this.#list = prepare(`${columns} WHERE key >= ? AND key < ? ORDER BY key`)
    this.#changes = prepare(`${columns} WHERE revision > ? AND key >= ? AND key < ? ORDER BY key`)
    this.#put = prepare(
      'INSERT INTO entries (key, value, revision) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision',
    )
    this.#setRevision = prepare('UPDATE store SET revision = ?')
    const stored = prepare('SELECT revision FROM store').get() as { readonly revision: number }
    this.#revision = stored.revision
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    const row = this.#read(() => this.#get.get(key))
    return row === undefined ? undefined : entryOf(row)
  }

  async list(prefix: string): Promise<readonly StoreEntry[]> {
    return this.#read(() => this.#list.all(prefix, prefixEnd(prefix))).map(entryOf)
  }

  async transact(transaction: StoreTransaction): Promise<StoreTransactionResult> {
    checkTransaction(transaction)
    const result = this.#commit(transaction)
    if (result.succeeded) {
      const before = this.#changed
      this.#changed = new AbortController()
      before.abort()
    }
    return result
  }

  async changes(prefix: string, afterRevision: number, timeoutMs: number): Promise<readonly StoreEntry[]> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs
    for (;;) {
      const { signal } = this.#changed
      const found = this.#read(() => this.#changes.all(afterRevision, prefix, prefixEnd(prefix)))
      const leftMs = deadlineMs - this.#clock.monotonicMs()
      if (found.length > 0 || leftMs <= 0) return found.map(entryOf)
      await this.#clock.sleep(leftMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason
      })
    }
  }

  /** Waiting calls of `changes` fail; a later opener finds everything that succeeded. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#database.close()
    this.#changed.abort()
  }

  /** Synchronous from the first comparison to the commit: nothing else of this process comes between. */
  #commit({ compare, put }: StoreTransaction): StoreTransactionResult {
    const holds = compare.every(({ key, revision }) => this.#revisionOf(key) === revision)
    if (!holds || put.length === 0) return { succeeded: holds, revision: this.#revision }
    const revision = this.#revision + 1
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      for (const { key, value } of put) this.#put.run(key, value, revision)
      this.#setRevision.run(revision)
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw unreachable(error)
    }
    try {
      this.#database.exec('COMMIT')
    } catch (error) {
      // Whether the log reached the disk is not known; nothing more is served from what this process remembers.
      this.close()
      throw replyLost(error)
    }
    this.#revision = revision
    return { succeeded: true, revision }
  }

  #revisionOf(key: string): number {
    return this.#read(() => Number(this.#get.get(key)?.['revision'] ?? 0))
  }

  #read<T>(query: () => T): T {
    try {
      return query()
    } catch (error) {
      throw unreachable(error)
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    // Exclusive before the first read: the lock is taken once, held until close, and no shared-memory file is needed.
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    prepareSchema(database, path)
    chmodSync(path, 0o600)
    syncFolder(dirname(path))
    return database
  } catch (error) {
    database.close()
    throw error instanceof RecoveryError ? error : notOpened(path, error)
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  database.exec('BEGIN IMMEDIATE')
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'store'")
    .all()
  if (tables.length === 0) {
    database.exec(schema)
    database.prepare('INSERT INTO store (id, format, revision) VALUES (1, ?, 0)').run(formats.controlStore)
  }
  const stored = database.prepare('SELECT * FROM store').get()
  requireFormat('controlStore', stored?.['format'], path)
  database.exec('COMMIT')
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function entryOf(row: Record<string, SQLOutputValue>): StoreEntry {
  return { key: String(row['key']), value: String(row['value']), revision: Number(row['revision']) }
}

/** Keys are ASCII, so this comes after every key with the prefix. */
function prefixEnd(prefix: string): string {
  return `${prefix}\u{7f}`
}

function notOpened(path: string, cause: unknown): RecoveryError {
  const locked = (cause as { readonly errcode?: number }).errcode === 5
  return new RecoveryError({
    code: locked ? 'STORE_IN_USE' : 'STORE_NOT_OPENED',
    class: 'refused',
    message: locked
      ? `another process has the control store ${path} open`
      : `${path}: ${(cause as Error).message}`,
    hint: locked
      ? 'reach it over the network through that process, or stop it first'
      : 'restore the control store from its copy if the file is damaged',
    cause,
  })
}

function unreachable(cause: unknown): RecoveryError {
  return new RecoveryError({
    code: 'STORE_UNREACHABLE',
    class: 'transient',
    message: `the control store did not take it: ${(cause as Error).message}`,
    hint: 'look at the free space of the disk that holds it',
    cause,
  })
}

function replyLost(cause: unknown): RecoveryError {
  return new RecoveryError({
    code: 'STORE_REPLY_LOST',
    class: 'unknown-outcome',
    message: `the control store did not confirm a commit: ${(cause as Error).message}`,
    hint: 'look at the disk that holds it, then start `pointzero serve` again',
    cause,
  })
}
