import type { WalRecord } from '../protocol/wal-scan.ts'
import { recordContent, relationFileAt } from '../protocol/wal-record-content.ts'
import type { RelationFile } from '../protocol/wal-record-content.ts'
import { removedDatabase } from '../protocol/database-record.ts'
import { transactionEvent } from '../protocol/transaction-record.ts'
import type { TransactionEnd } from '../protocol/transaction-record.ts'
import { lsnOf } from './wal-position.ts'
import type { NameOf, NotedNames, RelationName } from './relation-names.ts'
import { viewOf } from '../protocol/view-of.ts'

export type SuspiciousKind = 'drop' | 'drop-database' | 'truncate' | 'rewrite' | 'mass-delete' | 'mass-update'

/** A committed transaction that took much away. */
export interface SuspiciousTransaction {
  readonly kind: SuspiciousKind
  readonly xid: number
  /** Of the commit record: a restore stops just before it. */
  readonly commitLsn: string
  readonly timeMicroseconds: number
  readonly relation: RelationFile
  /** Known when the names were noted before (`pointzero capture` with a database). */
  readonly name?: string
  /** Rows deleted or updated; of a dropped or emptied table what the statistics said. Absent: nobody knows. */
  readonly rows?: number
}

interface Work {
  readonly deleted: Map<string, Count>
  readonly updated: Map<string, Count>
  readonly created: Set<string>
  /** Blocks that were put into created files: a rewrite fills them, TRUNCATE leaves them empty. */
  readonly filled: Map<string, number>
  droppedDatabase?: number
}

interface Count {
  readonly relation: RelationFile
  rows: number
}

const managers = { storage: 2, database: 4, heap2: 9, heap: 10 } as const
const heap = { mask: 0x70, insert: 0x00, delete: 0x10, update: 0x20, hotUpdate: 0x40 } as const
const multiInsert = 0x50
const storageCreate = 0x10

/**
 * Watches WAL go by, in order, and says which committed transactions dropped, emptied or changed much. What a transaction did before the
 * first record that was shown is not counted.
 */
export class SuspicionFinder {
  readonly #minRows: number
  readonly #nameOf: NameOf
  readonly #databaseNameOf: NotedNames['databaseNameOf']
  readonly #open = new Map<number, Work>()
  readonly found: SuspiciousTransaction[] = []

  constructor(minRows: number, { nameOf, databaseNameOf }: NotedNames) {
    this.#minRows = minRows
    this.#nameOf = nameOf
    this.#databaseNameOf = databaseNameOf
  }

  see(record: WalRecord): void {
    if (record.manager === managers.heap) this.#seeHeap(record)
    else if (record.manager === managers.storage) this.#seeStorage(record)
    else if (record.manager === managers.database) this.#seeDatabase(record)
    else if (record.manager === 1) this.#seeEnd(record)
    else if (record.xid !== 0 && (record.manager === managers.heap2 || record.manager === 0))
      this.#seeFilling(record)
  }

  #seeHeap(record: WalRecord): void {
    const operation = record.info & heap.mask
    if (operation === heap.insert) return this.#seeFilling(record)
    const relation = relationOf(record)
    if (relation === undefined) return
    const work = this.#workOf(record.xid)
    if (operation === heap.delete) count(work.deleted, relation)
    else if (operation === heap.update || operation === heap.hotUpdate) count(work.updated, relation)
  }

  /** Only of use where the transaction made the file itself. */
  #seeFilling(record: WalRecord): void {
    const work = this.#open.get(record.xid)
    if (work === undefined || work.created.size === 0) return
    if (record.manager === managers.heap2 && (record.info & heap.mask) !== multiInsert) return
    for (const { relation } of recordContent(record)?.blocks ?? []) {
      const key = keyOf(relation)
      if (work.created.has(key)) work.filled.set(key, (work.filled.get(key) ?? 0) + 1)
    }
  }

  #seeStorage(record: WalRecord): void {
    const main = recordContent(record)?.main
    if (record.xid === 0 || main === undefined || (record.info & 0xf0) !== storageCreate || main.length < 16)
      return
    const view = viewOf(main)
    const isMainFork = view.getInt32(12, true) === 0
    if (isMainFork) this.#workOf(record.xid).created.add(keyOf(relationFileAt(view, 0)))
  }

  #seeDatabase(record: WalRecord): void {
    const removed = removedDatabase(record)
    if (removed !== undefined) this.#workOf(record.xid).droppedDatabase = removed
  }

  #seeEnd(record: WalRecord): void {
    const end = transactionEvent(record)
    if (end === undefined || end.kind === 'restore-point' || end.kind === 'prepare') return
    const parts = [end.xid, ...end.subtransactions].flatMap((xid) => this.#open.get(xid) ?? [])
    for (const xid of [end.xid, ...end.subtransactions]) this.#open.delete(xid)
    if (end.kind !== 'commit' && end.kind !== 'commit-prepared') return
    this.#judge(record, end, joined(parts))
  }

  #judge(record: WalRecord, end: TransactionEnd, work: Work): void {
    const add = (kind: SuspiciousKind, relation: RelationFile, rows?: number): void => {
      const name = this.#nameFor(kind, relation)
      this.found.push({
        kind,
        xid: end.xid,
        commitLsn: lsnOf(record.start),
        timeMicroseconds: end.timeMicroseconds,
        relation,
        ...(name === undefined ? {} : { name }),
        ...(rows === undefined ? {} : { rows }),
      })
    }
    if (work.droppedDatabase !== undefined)
      add('drop-database', { tablespace: 0, database: work.droppedDatabase, file: 0 })
    const kind = takenAs(work)
    for (const relation of this.#tablesOf(end.droppedRelations, work.created)) {
      const rows = this.#nameOf(relation)?.rows
      add(kind, relation, rows === undefined || rows < 0 ? undefined : rows)
    }
    for (const { relation, rows } of work.deleted.values())
      if (rows >= this.#minRows && !isCatalogue(relation)) add('mass-delete', relation, rows)
    for (const { relation, rows } of work.updated.values())
      if (rows >= this.#minRows && !isCatalogue(relation)) add('mass-update', relation, rows)
  }

  #nameFor(kind: SuspiciousKind, relation: RelationFile): string | undefined {
    if (kind === 'drop-database') return this.#databaseNameOf(relation.database)
    const noted = this.#nameOf(relation)
    return noted === undefined ? undefined : fullName(noted)
  }

  /** Tables where names are known, so that their indexes and toast tables do not hide them; without any name everything. */
  #tablesOf(dropped: readonly RelationFile[], created: ReadonlySet<string>): readonly RelationFile[] {
    // What a transaction makes and drops itself was never seen by anybody.
    const files = dropped.filter((relation) => !created.has(keyOf(relation)))
    const tables = files.filter((relation) => ['r', 'm'].includes(this.#nameOf(relation)?.kind ?? ''))
    return tables.length > 0 ? tables : files.filter((relation) => this.#nameOf(relation) === undefined)
  }

  #workOf(xid: number): Work {
    const work = this.#open.get(xid) ?? emptyWork()
    this.#open.set(xid, work)
    return work
  }
}

/** New files in place of the dropped ones: emptied, or written anew (VACUUM FULL, CLUSTER, ALTER TABLE). */
function takenAs(work: Work): 'drop' | 'truncate' | 'rewrite' {
  if (work.created.size === 0) return 'drop'
  const blocks = [...work.filled.values()].reduce((total, one) => total + one, 0)
  // The empty indexes of an emptied table get one block each.
  return blocks > work.created.size ? 'rewrite' : 'truncate'
}

function emptyWork(): Work {
  return { deleted: new Map(), updated: new Map(), created: new Set(), filled: new Map() }
}

function joined(parts: readonly Work[]): Work {
  const all = emptyWork()
  for (const part of parts) {
    for (const { relation, rows } of part.deleted.values()) count(all.deleted, relation, rows)
    for (const { relation, rows } of part.updated.values()) count(all.updated, relation, rows)
    for (const file of part.created) all.created.add(file)
    for (const [file, blocks] of part.filled) all.filled.set(file, (all.filled.get(file) ?? 0) + blocks)
    if (part.droppedDatabase !== undefined) all.droppedDatabase = part.droppedDatabase
  }
  return all
}

function count(counts: Map<string, Count>, relation: RelationFile, rows = 1): void {
  const key = keyOf(relation)
  const found = counts.get(key)
  if (found === undefined) counts.set(key, { relation, rows })
  else found.rows += rows
}

function relationOf(record: WalRecord): RelationFile | undefined {
  return recordContent(record)?.blocks[0]?.relation
}

function keyOf({ database, file }: RelationFile): string {
  return `${database}/${file}`
}

/** FirstNormalObjectId: below are the catalogues as initdb made them. Big DDL changes many rows there and takes nothing away. */
function isCatalogue({ file }: RelationFile): boolean {
  return file < 16384
}

function fullName({ databaseName, schema, name }: RelationName): string {
  return `${databaseName}.${schema}.${name}`
}
