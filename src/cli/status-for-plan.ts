import { freshMs } from '../server/status-wire.ts'
import type { ControlPlaneStatus } from '../server/status-wire.ts'
import type { Connection } from './connection.ts'

/** Who was silent for longer, in milliseconds, is not about to answer. */
const silentMs = 5_000
/** For this long at most a host that is late is waited for, in milliseconds. */
const patienceMs = 4_000
const everyMs = 200

/**
 * The status that a plan is made from. A machine that stands still for a second makes its reports late, and a plan made in that moment would be
 * refused, or other than the one of a second later.
 */
export async function statusForPlan({
  status,
  world: { clock },
}: Pick<Connection, 'status'> & {
  readonly world: Pick<Connection['world'], 'clock'>
}): Promise<ControlPlaneStatus> {
  for (const untilMs = clock.monotonicMs() + patienceMs; ;) {
    const seen = await status()
    if (!isAnyLate(seen) || clock.monotonicMs() >= untilMs) return seen
    await clock.sleep(everyMs)
  }
}

function isAnyLate({ hosts }: ControlPlaneStatus): boolean {
  const ages = hosts.flatMap(({ ageMs, view }) => [ageMs, ...(view?.members ?? []).map((one) => one.ageMs)])
  return ages.some((ageMs) => ageMs !== undefined && ageMs > freshMs && ageMs <= silentMs)
}
