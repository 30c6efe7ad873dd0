import { recordContent, relationFileAt, relationFileBytes } from './wal-record-content.ts'
import type { RelationFile } from './wal-record-content.ts'
import type { WalRecord } from './wal-scan.ts'
import { viewOf } from './view-of.ts'

const managers = { xlog: 0, transaction: 1 } as const
const restorePoint = 0x70
const operationMask = 0x70
const hasInfo = 0x80
const operations: ReadonlyMap<number, TransactionEnd['kind']> = new Map([
  [0x00, 'commit'],
  [0x10, 'prepare'],
  [0x20, 'abort'],
  [0x30, 'commit-prepared'],
  [0x40, 'abort-prepared'],
])
const parts = {
  database: 1 << 0,
  subtransactions: 1 << 1,
  relations: 1 << 2,
  invalidations: 1 << 3,
  twoPhase: 1 << 4,
  statistics: 1 << 8,
} as const
const postgresEpochMicroseconds = 946_684_800_000_000

/** A transaction was committed, aborted or prepared. */
export interface TransactionEnd {
  readonly kind: 'commit' | 'abort' | 'prepare' | 'commit-prepared' | 'abort-prepared'
  /** Of a prepared transaction its own, not that of the session that ended it. */
  readonly xid: number
  /** The server's clock, microseconds since 1970. */
  readonly timeMicroseconds: number
  readonly subtransactions: readonly number[]
  /** Files that go with the end of the transaction. */
  readonly droppedRelations: readonly RelationFile[]
}

/** pg_create_restore_point. */
export interface RestorePoint {
  readonly kind: 'restore-point'
  readonly name: string
  readonly timeMicroseconds: number
}

/** What the record says about transactions and time; `undefined` for every other record. */
export function transactionEvent(record: WalRecord): TransactionEnd | RestorePoint | undefined {
  if (record.manager === managers.transaction) return transactionEnd(record)
  if (record.manager !== managers.xlog || (record.info & 0xf0) !== restorePoint) return undefined
  const main = recordContent(record)?.main
  if (main === undefined || main.length < 9) return undefined
  const name = main.subarray(8)
  const end = name.indexOf(0)
  return {
    kind: 'restore-point',
    name: new TextDecoder().decode(end < 0 ? name : name.subarray(0, end)),
    timeMicroseconds: timeAt(viewOf(main), 0),
  }
}

function transactionEnd(record: WalRecord): TransactionEnd | undefined {
  const kind = operations.get(record.info & operationMask)
  if (kind === undefined) return undefined
  const main = recordContent(record)?.main
  if (main === undefined) return undefined
  if (kind === 'prepare') return prepared(viewOf(main))
  try {
    return ended(kind, record, viewOf(main))
  } catch {
    // A RangeError of the view: a form that PostgreSQL 15 to 18 do not write.
    return undefined
  }
}

/** xl_xact_prepare: magic, length, xid, database, time. */
function prepared(view: DataView): TransactionEnd | undefined {
  if (view.byteLength < 24) return undefined
  return {
    kind: 'prepare',
    xid: view.getUint32(8, true),
    timeMicroseconds: timeAt(view, 16),
    subtransactions: [],
    droppedRelations: [],
  }
}

function ended(kind: TransactionEnd['kind'], record: WalRecord, view: DataView): TransactionEnd {
  let at = 8
  const has = (record.info & hasInfo) === 0 ? 0 : view.getUint32(at, true)
  if ((record.info & hasInfo) !== 0) at += 4
  let xid = record.xid
  if ((has & parts.database) !== 0) at += 8
  const subtransactions: number[] = []
  if ((has & parts.subtransactions) !== 0) {
    for (let left = view.getInt32(at, true); left > 0; left--)
      subtransactions.push(view.getUint32((at += 4), true))
    at += 4
  }
  const droppedRelations: RelationFile[] = []
  if ((has & parts.relations) !== 0) {
    const count = view.getInt32(at, true)
    at += 4
    for (let index = 0; index < count; index++, at += relationFileBytes)
      droppedRelations.push(relationFileAt(view, at))
  }
  if ((has & parts.statistics) !== 0) at += 4 + view.getInt32(at, true) * (record.major >= 18 ? 16 : 12)
  if ((has & parts.invalidations) !== 0) at += 4 + view.getInt32(at, true) * 16
  if ((has & parts.twoPhase) !== 0) xid = view.getUint32(at, true)
  return { kind, xid, timeMicroseconds: timeAt(view, 0), subtransactions, droppedRelations }
}

function timeAt(view: DataView, at: number): number {
  return Number(view.getBigInt64(at, true)) + postgresEpochMicroseconds
}
