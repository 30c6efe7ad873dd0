import { Client } from 'pg'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { databaseTls } from '../database-tls.ts'

export interface MemberAddress<Host> {
  readonly host: Host
  readonly address: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** Asks the members themselves, not the product: the one that is not in recovery. */
export async function findPrimary<Host>(members: readonly MemberAddress<Host>[]): Promise<Host> {
  const primaries = (await Promise.all(members.map(isPrimary))).flatMap((is, index) => {
    const member = members[index]
    return is && member !== undefined ? [member.host] : []
  })
  const [primary] = primaries
  if (primary !== undefined && primaries.length === 1) return primary
  throw new RecoveryError({
    code: 'LAB_NO_PRIMARY',
    class: 'transient',
    message: `${primaries.length} members say that they are primary`,
    hint: 'wait until the estate has settled, or name the target: --target az1',
  })
}

async function isPrimary<Host>(member: MemberAddress<Host>): Promise<boolean> {
  const { address, port, database, user } = member
  const timeouts = { connectionTimeoutMillis: 2000, query_timeout: 2000 }
  const client = new Client({ host: address, port, database, user, ssl: databaseTls(), ...timeouts })
  client.on('error', () => {}) // then it did not answer
  try {
    await client.connect()
    const { rows } = await client.query('select not pg_is_in_recovery() as is_primary')
    return (rows[0] as { readonly is_primary: boolean } | undefined)?.is_primary === true
  } catch {
    return false // it does not answer, so it is not known to be one
  } finally {
    await client.end().catch(() => {})
  }
}
