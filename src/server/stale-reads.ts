import { staleReadBoundMs } from '../domain/stale-read-bound.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import type { Estate, PostgresComponent } from '../estate/estate.ts'
import type { ViewBoard } from '../watch/view-board.ts'

/** The longest that any member's agent promises, in ms; by the declaration alone where none has reported. Undefined: without bound. */
export function staleReadsOf(
  estate: Estate,
  { policy, members }: PostgresComponent,
  board: ViewBoard,
): number | undefined {
  const declaredMs = staleReadBoundMs(policy)
  if (declaredMs === undefined) return undefined
  const reported = members.flatMap(({ id, host }) => {
    const view = board.member(hostNamed(estate, host).id, id)
    return view?.staleReadBoundMs ?? []
  })
  return reported.length === 0 ? declaredMs : Math.max(...reported)
}
