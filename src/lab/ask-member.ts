import { Client } from 'pg'
import { databaseTls } from './database-tls.ts'
import { labDatabase } from './lab-estate.ts'
import type { LabHostName } from './lab-host.ts'
import { labPorts } from './lab-ports.ts'
import type { Lab } from './lab.ts'

/** One statement at one member itself, past every gate. */
export async function askMember(
  lab: Lab,
  host: LabHostName,
  sql: string,
  queryTimeoutMs = 10_000,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({
    host: lab.network.addressOf(host),
    port: labPorts.postgres,
    ...labDatabase,
    password: lab.ledgerPassword,
    ssl: databaseTls(lab.authorityFile),
    connectionTimeoutMillis: 10_000,
    query_timeout: queryTimeoutMs,
  })
  client.on('error', () => {}) // the query in flight fails with it
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end().catch(() => {})
  }
}
