import type { Estate, PostgresComponent } from '../estate/estate.ts'
import { keepersOf } from '../estate/keepers.ts'
import type { CopiesView } from '../ports/kept-copies.ts'
import type { SeenCopies } from './scheduled-decision.ts'
import type { ViewBoard } from './view-board.ts'

/** A report together with the reading in it that is older says nothing about now. */
const freshMs = 15_000

export function isFreshReport({ readAgeMs = Number.POSITIVE_INFINITY }: CopiesView, ageMs: number): boolean {
  return ageMs + readAgeMs <= freshMs
}

/** What is kept of a component, from the newest reports; undefined while that is not known. Pure; `nowMs` is the board's monotonic clock. */
export function seenCopies(
  estate: Estate,
  cluster: PostgresComponent,
  board: ViewBoard,
  nowMs: number,
): SeenCopies | undefined {
  const { vault, archive } = keepersOf(estate, cluster)
  const viewOn = (host: string | undefined) => {
    const reading = host === undefined ? undefined : board.reading(host)
    const view = reading?.view.copies?.find(({ component }) => component === cluster.id)
    return view && reading ? { view, ageMs: nowMs - reading.arrivedMs } : undefined
  }
  const kept = viewOn(vault?.id)
  if (kept === undefined || !isFreshReport(kept.view, kept.ageMs)) return undefined
  const received = viewOn(archive?.id)
  const exposedMs = received?.view.capture?.exposedMs
  return {
    snapshots: kept.view.snapshots.map(({ takenAtMs, restorations }) => ({
      takenAtMs,
      restoredAtMs: restorations.map(({ atMs }) => atMs),
    })),
    ...(received !== undefined && typeof exposedMs === 'number'
      ? { exposedMs: exposedMs + received.ageMs }
      : {}),
  }
}
