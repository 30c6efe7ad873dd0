import { recordContent } from './wal-record-content.ts'
import type { WalRecord } from './wal-scan.ts'
import { viewOf } from './view-of.ts'

const managers = { database: 4, heap: 10 } as const
/** XLOG_DBASE_DROP of PostgreSQL 15 to 18. */
const databaseDrop = 0x20
const heap = { mask: 0x70, delete: 0x10, inplace: 0x70 } as const
/** pg_global: where the catalogues lie that all databases share, pg_database among them. */
const sharedTablespace = 1664

/** The database whose files this record removes, at once: not when its transaction is committed. */
export function removedDatabase(record: WalRecord): number | undefined {
  if (record.manager !== managers.database || (record.info & 0xf0) !== databaseDrop) return undefined
  const main = recordContent(record)?.main
  return main === undefined || main.length < 4 ? undefined : viewOf(main).getUint32(0, true)
}

/** A row of a shared catalogue was deleted, or changed in its place, which no transaction undoes. */
export interface SharedRowChange {
  readonly kind: 'deleted' | 'changed-in-place'
  /** File, block and offset: the same for the same row. */
  readonly row: string
}

export function sharedRowChange(record: WalRecord): SharedRowChange | undefined {
  const operation = record.info & heap.mask
  if (record.manager !== managers.heap || (operation !== heap.delete && operation !== heap.inplace))
    return undefined
  const { blocks: [block] = [], main } = recordContent(record) ?? {}
  if (block?.relation.tablespace !== sharedTablespace || main === undefined) return undefined
  // xl_heap_delete has the transaction in front of it, xl_heap_inplace begins with it.
  const at = operation === heap.delete ? 4 : 0
  if (main.length < at + 2) return undefined
  return {
    kind: operation === heap.delete ? 'deleted' : 'changed-in-place',
    row: `${block.relation.file}/${block.block}/${viewOf(main).getUint16(at, true)}`,
  }
}
