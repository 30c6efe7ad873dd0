import type { ConnectionOptions } from 'node:tls'
import { Client } from 'pg'

/** What goes wrong inside the database while every server is well. Each is one transaction, as a mistaken release or a slipped hand makes it. */
export const corruptionNames = [
  'corrupt-drop',
  'corrupt-truncate',
  'corrupt-delete',
  'corrupt-update',
] as const
export type CorruptionName = (typeof corruptionNames)[number]

export const corruptedTable = 'exchange.ledger'

const statements: Readonly<Record<CorruptionName, string>> = {
  'corrupt-drop': `drop table ${corruptedTable}`,
  'corrupt-truncate': `truncate ${corruptedTable}`,
  'corrupt-delete': `delete from ${corruptedTable} where sequence % 3 <> 0`,
  'corrupt-update': `update ${corruptedTable} set price = price + 1`,
}

/** Commits the corruption on a primary, with its synchronous standbys: nothing about it looks wrong to any server. */
export async function corrupt(
  name: CorruptionName,
  connection: {
    readonly host: string
    readonly port: number
    readonly database: string
    readonly user: string
    readonly password: string
    readonly ssl: ConnectionOptions | false
  },
): Promise<void> {
  const client = new Client({ ...connection, application_name: 'somebody', connectionTimeoutMillis: 5_000 })
  client.on('error', () => {}) // the statement in flight fails with it
  await client.connect()
  try {
    await client.query(statements[name])
  } finally {
    await client.end().catch(() => {})
  }
}
