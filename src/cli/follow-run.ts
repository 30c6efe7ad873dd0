import type { RunRecord } from '../engine/run-event.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RunKind } from '../evidence/run-kind.ts'
import type { Connection } from './connection.ts'
import { paintFor } from './render/paint.ts'
import { runLine } from './render/run-line.ts'
import { loadRun } from './run-records.ts'
import type { Terminal } from './terminal.ts'

export interface Following {
  readonly run: string
  readonly kind: RunKind
  readonly asJson: boolean
  /** Records that need not be printed: they were there before. */
  readonly from: number
  readonly until: AbortSignal
}

/**
 * Prints each record once as it is appended, whoever appends it. It reads the same journal as everybody; the executor does not wait
 * for it and does not fail with it.
 */
export async function followRun(
  terminal: Terminal,
  connection: Connection,
  following: Following,
): Promise<void> {
  const { run, until } = following
  const { world, store, keys } = connection
  let printed = following.from
  let revision = 0
  for (;;) {
    const isLast = until.aborted
    try {
      const { records, headRevision, state } = await loadRun(connection, run)
      for (const record of records.slice(printed)) print(terminal, record, following)
      printed = records.length
      revision = headRevision
      if (isLast || state.finished !== undefined) return
      await store.changes(keys.runHead(run), revision, 500)
    } catch (error) {
      const isPassing =
        error instanceof RecoveryError && ['transient', 'unknown-outcome'].includes(error.class)
      if (!isPassing) throw error
      if (isLast) return
      await world.clock.sleep(500)
    }
  }
}

function print(terminal: Terminal, record: RunRecord, { kind, asJson }: Following): void {
  if (asJson) terminal.write(`${JSON.stringify({ type: 'record', record })}\n`)
  else terminal.write(runLine(record, kind, paintFor(terminal)))
}
