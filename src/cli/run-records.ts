import { RecoveryError } from '../domain/recovery-error.ts'
import { RunJournal } from '../engine/run-journal.ts'
import type { RunSummary } from '../engine/run-summary.ts'
import type { Connection } from './connection.ts'

export interface ListedRun extends RunSummary {
  readonly run: string
}

/** In the order in which they were opened. Reads the index only, one small key each: no journal. */
export async function listRuns({
  store,
  keys,
}: Pick<Connection, 'store' | 'keys'>): Promise<readonly ListedRun[]> {
  const entries = await store.list(keys.runIndexes)
  return entries
    .map(({ key, value }) => ({
      run: key.slice(keys.runIndexes.length),
      ...(JSON.parse(value) as RunSummary),
    }))
    .toSorted((left, right) => left.openedAtMs - right.openedAtMs)
}

/** A run by its id, by the beginning of it, or `last`. */
export async function runNamed(connection: Connection, name: string): Promise<RunJournal> {
  const known = /^run_[a-z0-9]{6,32}$/.test(name) ? [name] : await matching(connection, name)
  const [run] = known
  if (run === undefined || known.length > 1) {
    throw new RecoveryError({
      code: run === undefined ? 'RUN_UNKNOWN' : 'RUN_AMBIGUOUS',
      class: 'refused',
      message:
        run === undefined ? `there is no run ${name} in this estate` : `${name} means ${known.join(', ')}`,
      hint: 'list them with `pointzero runs`',
    })
  }
  return loadRun(connection, run)
}

async function matching(connection: Connection, name: string): Promise<readonly string[]> {
  const names = (await listRuns(connection)).map(({ run }) => run)
  return name === 'last'
    ? names.slice(-1)
    : names.filter((run) => run.startsWith(name) || run.startsWith(`run_${name}`))
}

export async function loadRun(connection: Connection, run: string): Promise<RunJournal> {
  const { world, store, keys, context } = connection
  return RunJournal.load({ clock: world.clock, store, keys, run, writer: context.principal })
}
