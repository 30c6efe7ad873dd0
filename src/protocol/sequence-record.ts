import { recordContent, relationFileAt, relationFileBytes } from './wal-record-content.ts'
import type { RelationFile } from './wal-record-content.ts'
import type { WalRecord } from './wal-scan.ts'
import { viewOf } from './view-of.ts'

const sequenceManager = 15
/** Of HeapTupleHeader: how long it is. */
const headerLengthAt = 22

/** What a sequence may have handed out: PostgreSQL writes up to 32 values ahead, so that every value that anybody got is at or below this one. */
export interface SequenceRecord {
  readonly relation: RelationFile
  readonly value: bigint
}

/** XLOG_SEQ_LOG: the file, then the sequence's only row, last_value first. `undefined` for every other record. */
export function sequenceRecord(record: WalRecord): SequenceRecord | undefined {
  if (record.manager !== sequenceManager) return undefined
  const main = recordContent(record)?.main
  if (main === undefined || main.length < relationFileBytes + 24) return undefined
  const view = viewOf(main)
  const valueAt = relationFileBytes + view.getUint8(relationFileBytes + headerLengthAt)
  if (valueAt + 8 > main.length) return undefined
  return { relation: relationFileAt(view, 0), value: view.getBigInt64(valueAt, true) }
}
