import { loadRelationNames } from '../capture/relation-names.ts'
import { lastEntry, visitAll } from '../capture/clock-history.ts'
import { isCommit } from '../capture/commit-clock.ts'
import { lsnOf, positionOf } from '../capture/wal-position.ts'
import { readWal } from '../capture/wal-reader.ts'
import type { Clock } from '../ports/clock.ts'
import type { StageReport } from '../ports/database-recovery.ts'
import type { ReplacedDatabase, UndoneTransaction } from '../ports/isolated-database.ts'
import { transactionEvent } from '../protocol/transaction-record.ts'
import type { GoalStanding } from './goal-standing.ts'
import type { ReadCopies } from './read-copies.ts'

interface Known {
  readonly copies: ReadCopies
  readonly standing: GoalStanding
}

export interface ExportSetting {
  readonly read: () => Promise<Known>
  readonly replaced: ReplacedDatabase
  readonly clock: Clock
}

/** The archive follows within a second when it follows at all. */
const catchUpMs = 10_000
const askEveryMs = 1_000

/**
 * The rows that the recovery undoes, as far as the running database still has them, and how far its sequences went. What no export can have is
 * said as well: rows that were changed or deleted later, dropped tables, unlogged tables.
 */
export async function exportAfterGoal(
  run: string,
  { read, replaced, clock }: ExportSetting,
): Promise<StageReport> {
  const flushed = await replaced.flushedLsn()
  const sequences = await replaced.sequences()
  const { copies, standing, isComplete } = await caughtUp(
    read,
    clock,
    flushed === undefined ? 0 : positionOf(flushed),
  )
  const transactions: UndoneTransaction[] = []
  const { newest, undoneFrom } = standing
  await visitAll(
    copies.catalogue.clock,
    newest.lineage,
    (entry) => {
      const { xid, subtransactions, start, timeMicroseconds } = entry
      if (isCommit(entry)) transactions.push({ xid, subtransactions, lsn: lsnOf(start), timeMicroseconds })
    },
    { from: undoneFrom },
  )
  const exported = await replaced.exportRows(run, transactions)
  const dropped = await droppedTables(copies, standing)
  return {
    transactions: transactions.length,
    ...exported,
    byTable: exported.byTable.map((one) => ({ ...one })),
    knowsAllCommits: isComplete,
    sequences: sequences.map((one) => ({ ...one })),
    notExported: [
      'rows that were changed or deleted later, in the form that they had before',
      ...dropped.map((name) => `${name}: dropped or emptied`),
      ...exported.unlogged.map((name) => `${name}: unlogged, empty after any recovery`),
    ],
  }
}

async function caughtUp(
  read: () => Promise<Known>,
  clock: Clock,
  position: number,
): Promise<Known & { readonly isComplete: boolean }> {
  const startMs = clock.monotonicMs()
  for (;;) {
    const known = await read()
    const { catalogue } = known.copies
    const last = await lastEntry(catalogue.clock, known.standing.newest.lineage, () => true)
    const isComplete = (last?.end ?? 0) >= position
    if (isComplete || clock.monotonicMs() - startMs > catchUpMs) return { ...known, isComplete }
    await clock.sleep(askEveryMs)
  }
}

/** By the names that were noted before; of one that nobody noted the file is all that is left. */
async function droppedTables(
  { archive, identity }: ReadCopies,
  { newest, undoneFrom }: GoalStanding,
): Promise<readonly string[]> {
  const { nameOf } = await loadRelationNames(archive)
  const found = new Set<string>()
  const { timeline } = newest
  const part = newest.lineage.find(({ end }) => end > undoneFrom)
  const stretch = {
    timeline: part?.timeline ?? timeline,
    segmentBytes: identity.segmentBytes,
    from: undoneFrom,
    until: part?.end ?? Number.POSITIVE_INFINITY,
  }
  await readWal(archive, stretch, (record) => {
    const event = transactionEvent(record)
    if (event?.kind !== 'commit' && event?.kind !== 'commit-prepared') return
    for (const relation of event.droppedRelations) {
      const name = nameOf(relation)
      if (name === undefined) found.add(`file ${relation.file} of database ${relation.database}`)
      else if (name.kind === 'r' || name.kind === 'm')
        found.add(`${name.databaseName}.${name.schema}.${name.name}`)
    }
  })
  return [...found]
}
