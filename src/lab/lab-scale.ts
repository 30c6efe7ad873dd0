import { Client } from 'pg'
import type { Scale } from '../evidence/verdict.ts'
import type { Judgement } from './checker/judgement.ts'
import { labDatabase } from './lab-estate.ts'
import { zoneHostNames } from './lab-host.ts'
import type { LabHostName } from './lab-host.ts'
import { labPorts } from './lab-ports.ts'
import type { Lab } from './lab.ts'

/** Of the surviving database, from the server itself. */
export async function databaseBytes(lab: Lab, host: LabHostName): Promise<string> {
  const client = new Client({
    host: lab.network.addressOf(host),
    port: labPorts.postgres,
    ...labDatabase,
    password: lab.ledgerPassword,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
  })
  client.on('error', () => {}) // the query in flight fails with it
  try {
    await client.connect()
    const { rows } = await client.query('select pg_database_size(current_database())::text as bytes')
    return (rows[0] as { readonly bytes: string }).bytes
  } finally {
    await client.end().catch(() => {})
  }
}

/** At which size and load the figures were measured, the time without a primary included. */
export function scaleOf(
  { figures }: Judgement,
  { bytes, loadMs }: { readonly bytes: string; readonly loadMs: number },
): Scale {
  return {
    databaseBytes: bytes,
    writesPerSecond: Math.round(figures.acknowledgedWrites / Math.max(1, loadMs / 1_000)),
    members: zoneHostNames.length,
  }
}
