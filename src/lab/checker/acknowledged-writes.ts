import type { Attempt } from './raw-log.ts'
import type { LedgerEntry, SurvivingRows } from './surviving-rows.ts'

export interface WriteFindings {
  readonly acknowledged: number
  /** Ids of writes that a client was told are done, and that are gone. */
  readonly lost: readonly string[]
  /** Monotonic stamp of the earliest lost acknowledgement. */
  readonly earliestLostMs?: number
  /** Acknowledged after a corruption began, and gone: a recovery to the moment before it undoes them. Not among the lost. */
  readonly undone: readonly string[]
  /** Stamp of the latest acknowledgement that was undone. */
  readonly latestUndoneMs?: number
  /** Executed more than once, or acknowledged under two sequence numbers. */
  readonly doubled: readonly string[]
  /** In the database under the run of a log that never sent it. */
  readonly neverSent: readonly string[]
  /** In the database with another content than was sent. */
  readonly altered: readonly string[]
  /** The client was told every time that it was not executed, and it was. */
  readonly refusedButThere: readonly string[]
  /** Outcome unknown to the client, and it did happen: allowed. */
  readonly unknownButThere: number
}

/**
 * Compares what clients were told with what is there. `attempts` are complete for every run that they name. What was acknowledged before
 * `corruptedMs` has to be there; without a corruption that is everything.
 */
export function findWrites(
  attempts: readonly Attempt[],
  rows: SurvivingRows,
  corruptedMs = Number.POSITIVE_INFINITY,
): WriteFindings {
  const byId = Map.groupBy(attempts, ({ id }) => id)
  const there = [...rows.ledger.map(({ id }) => id), ...rows.rawWrites, ...rows.probes]
  const present = new Set(there)
  const acks = attempts.filter(({ outcome }) => outcome === 'acked')
  const goneAcks = acks.filter(({ id }) => !present.has(id))
  const lostAcks = goneAcks.filter((attempt) => endOf(attempt) < corruptedMs)
  const undoneAcks = goneAcks.filter((attempt) => endOf(attempt) >= corruptedMs)
  const runs = new Set(attempts.map(({ run }) => run))
  const unacked = [...byId].filter(([, of]) => of.every(({ outcome }) => outcome !== 'acked'))
  const [earliest] = lostAcks.map(endOf).toSorted((a, b) => a - b)
  const latestUndone = undoneAcks
    .map(endOf)
    .toSorted((a, b) => a - b)
    .at(-1)
  return {
    acknowledged: new Set(acks.map(({ id }) => id)).size,
    lost: [...new Set(lostAcks.map(({ id }) => id))],
    ...(earliest === undefined ? {} : { earliestLostMs: earliest }),
    undone: [...new Set(undoneAcks.map(({ id }) => id))],
    ...(latestUndone === undefined ? {} : { latestUndoneMs: latestUndone }),
    doubled: [
      ...new Set([...repeated(there), ...acknowledgedTwice(acks), ...contradicted(acks, rows.ledger)]),
    ],
    neverSent: there.filter((id) => !byId.has(id) && runs.has(runOf(id))),
    altered: rows.ledger.filter((entry) => isAltered(entry, byId.get(entry.id))).map(({ id }) => id),
    refusedButThere: unacked
      .filter(([id, of]) => present.has(id) && of.every(({ outcome }) => outcome === 'refused'))
      .map(([id]) => id),
    unknownButThere: unacked.filter(([id]) => present.has(id)).length,
  }
}

function endOf({ endMs, sentMs }: Attempt): number {
  return endMs ?? sentMs
}

function repeated(ids: readonly string[]): readonly string[] {
  return [...Map.groupBy(ids, (id) => id)].filter(([, of]) => of.length > 1).map(([id]) => id)
}

/** Orders only: a SQL write has no sequence number. */
function acknowledgedTwice(acks: readonly Attempt[]): readonly string[] {
  const numbered = acks.filter(({ sequence }) => sequence !== undefined)
  return [...Map.groupBy(numbered, ({ id }) => id)]
    .filter(([, of]) => new Set(of.map(({ sequence }) => sequence)).size > 1)
    .map(([id]) => id)
}

/** The client was told one sequence number, and the ledger shows another: it was executed again after a loss. */
function contradicted(acks: readonly Attempt[], ledger: readonly LedgerEntry[]): readonly string[] {
  const sequenceOf = new Map(ledger.map(({ id, sequence }) => [id, sequence]))
  return acks
    .filter(
      ({ id, sequence }) => sequence !== undefined && sequenceOf.has(id) && sequenceOf.get(id) !== sequence,
    )
    .map(({ id }) => id)
}

function isAltered(entry: LedgerEntry, attempts: readonly Attempt[] | undefined): boolean {
  const order = attempts?.find(({ order }) => order !== undefined)?.order
  if (order === undefined) return false
  return (['account', 'symbol', 'side', 'price', 'quantity'] as const).some(
    (name) => order[name] !== entry[name],
  )
}

function runOf(id: string): string {
  return id.split('-')[0] ?? ''
}
