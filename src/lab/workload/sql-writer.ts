import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientLog } from './client-log.ts'
import { connectConfirmed, isReadOnly, timelineNumber } from './confirmed-connection.ts'
import type { ConfirmedConnection, DatabaseTarget } from './confirmed-connection.ts'
import { confirmedBy } from './ledger-schema.ts'

export interface SqlWriterOptions {
  readonly target: DatabaseTarget
  readonly table: 'exchange.raw_writes' | 'exchange.probes'
  readonly run: string
  readonly intervalMs: number
  readonly timeoutMs: number
}

/**
 * One row every interval under an id of its own; an id whose outcome is unknown is never tried again. Its longest
 * hole between two confirmed writes is what people mean by the time that a database failover takes.
 */
export async function runSqlWriter(
  options: SqlWriterOptions,
  log: ClientLog,
  signal: AbortSignal,
): Promise<void> {
  const { target, table, run, intervalMs, timeoutMs } = options
  const insert = `insert into ${table} (run, id) values ($1, $2) returning ${confirmedBy}`
  let connection: ConfirmedConnection | undefined
  for (let count = 1; !signal.aborted; count++) {
    const startedMs = performance.now()
    const id = `${run}-${count}`
    log.write({ kind: 'sent', id, attempt: 1 })
    let isSent = false
    try {
      connection ??= await connectConfirmed(target, timeoutMs)
      isSent = true
      const { rows, soft } = await connection.run(insert, [run, count])
      const by = { server: String(rows[0]?.['server']), timeline: timelineNumber(rows[0]?.['timeline']) }
      if (soft)
        log.write({ kind: 'outcome', id, attempt: 1, outcome: 'unknown', reason: 'soft commit', ...by })
      else log.write({ kind: 'outcome', id, attempt: 1, outcome: 'acked', ...by })
    } catch (error) {
      const isRefused = isReadOnly(error)
      if (!isRefused) {
        connection?.close()
        connection = undefined
      }
      const reason = error instanceof Error ? error.message : String(error)
      const outcome = isSent && !isRefused ? 'unknown' : 'refused'
      log.write({ kind: 'outcome', id, attempt: 1, outcome, reason })
    }
    await sleep(Math.max(0, intervalMs - (performance.now() - startedMs)))
  }
  connection?.close()
}
