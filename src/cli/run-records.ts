import { RecoveryError } from '../domain/recovery-error.ts'
import { RunJournal } from '../engine/run-journal.ts'
import type { RunHead } from '../engine/run-record.ts'
import type { Connection } from './connection.ts'

export interface ListedRun {
  readonly run: string
  readonly status: RunHead['status']
  readonly records: number
}

/** Reads the heads only, one key each. */
export async function listRuns({ store, keys }: Connection): Promise<readonly ListedRun[]> {
  const entries = await store.list(keys.runs)
  return entries
    .filter(({ key }) => key.endsWith('/head'))
    .map(({ key, value }) => {
      const { seq, status } = JSON.parse(value) as RunHead
      return { run: key.slice(keys.runs.length, -'/head'.length), status, records: seq + 1 }
    })
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
  const runs = await Promise.all((await listRuns(connection)).map(({ run }) => loadRun(connection, run)))
  const ordered = runs.toSorted((left, right) => (left.records[0]?.atMs ?? 0) - (right.records[0]?.atMs ?? 0))
  const names = ordered.map(({ place }) => place.run)
  return name === 'last'
    ? names.slice(-1)
    : names.filter((run) => run.startsWith(name) || run.startsWith(`run_${name}`))
}

export async function loadRun(connection: Connection, run: string): Promise<RunJournal> {
  const { world, store, keys, context } = connection
  return RunJournal.load({ clock: world.clock, store, keys, run, writer: context.principal })
}
