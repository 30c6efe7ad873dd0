import { RecoveryError } from '../../domain/recovery-error.ts'
import type { Connection } from '../connection.ts'
import { listRuns, loadRun } from '../run-records.ts'

/** The run of a procedure that was opened last. */
export async function latestRun(connection: Connection, procedure: string): Promise<string> {
  const runs = await Promise.all((await listRuns(connection)).map(({ run }) => loadRun(connection, run)))
  const latest = runs
    .filter(({ state }) => state.plan.procedure === procedure)
    .toSorted((left, right) => (left.records[0]?.atMs ?? 0) - (right.records[0]?.atMs ?? 0))
    .at(-1)
  if (latest !== undefined) return latest.place.run
  throw new RecoveryError({
    code: 'RUN_UNKNOWN',
    class: 'refused',
    message: `nobody has run ${procedure}`,
    hint: 'list the runs with `pointzero runs`',
  })
}
