// Writes SQL rows and keeps a raw log. As `raw-writer` it goes through a gate. As `zone-prober` it goes to one member's own address,
// beside it in its zone and past every gate, and asks it what it thinks it is: so that two confirming primaries are seen.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openClientLog } from './client-log.ts'
import type { ClientLog } from './client-log.ts'
import { connectConfirmed } from './confirmed-connection.ts'
import type { ConfirmedConnection, DatabaseTarget } from './confirmed-connection.ts'
import { parseCount, parseEndpoint, runName, untilStopped } from './program-arguments.ts'
import { runSqlWriter } from './sql-writer.ts'

const { values: given } = parseArgs({
  options: {
    as: { type: 'string', default: 'raw-writer' },
    to: { type: 'string', default: '127.0.0.1:6432' },
    database: { type: 'string', default: 'postgres' },
    user: { type: 'string', default: 'postgres' },
    log: { type: 'string', default: 'sql-writer.jsonl' },
    host: { type: 'string', default: 'client' },
    run: { type: 'string', default: 'w' },
    'interval-ms': { type: 'string', default: '20' },
    'timeout-ms': { type: 'string', default: '1000' },
    'for-ms': { type: 'string', default: '0' },
  },
})

const client = given.as === 'zone-prober' ? 'zone-prober' : 'raw-writer'
const run = runName(given.run)
const log = openClientLog(given.log, { client, run, host: given.host, seed: 0 })
const signal = untilStopped(parseCount(given['for-ms'], 'for-ms'))
const target: DatabaseTarget = { ...parseEndpoint(given.to), database: given.database, user: given.user }
const timeoutMs = parseCount(given['timeout-ms'], 'timeout-ms')
const writer = runSqlWriter(
  {
    target,
    table: client === 'zone-prober' ? 'exchange.probes' : 'exchange.raw_writes',
    run,
    intervalMs: parseCount(given['interval-ms'], 'interval-ms'),
    timeoutMs,
  },
  log,
  signal,
)
const roles = client === 'zone-prober' ? sampleRoles(target, timeoutMs, log, signal) : undefined
await Promise.all([writer, roles])
log.write({ kind: 'end' })

async function sampleRoles(
  { address, ...target }: DatabaseTarget,
  timeoutMs: number,
  log: ClientLog,
  signal: AbortSignal,
): Promise<void> {
  let connection: ConfirmedConnection | undefined
  for (; !signal.aborted; await sleep(50)) {
    try {
      connection ??= await connectConfirmed({ address, ...target }, timeoutMs)
      const { rows } = await connection.run('select pg_is_in_recovery() as standby', [])
      log.write({
        kind: 'role',
        server: address,
        role: rows[0]?.['standby'] === true ? 'standby' : 'primary',
      })
    } catch {
      // Nothing was said: no role is logged, and the next turn asks again.
      connection?.close()
      connection = undefined
    }
  }
  connection?.close()
}
