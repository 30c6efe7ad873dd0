import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'

/** As libpq names it. Programs on a host of the lab find the estate's authority there. */
export const authorityVariable = 'PGSSLROOTCERT'

/**
 * How the lab's own clients connect to its PostgreSQL. They verify that the estate's authority signed the certificate, and no more: behind a
 * gate the address that they know is the gate's, which is in no member's certificate. `false` for servers of others, without authority.
 */
export function databaseTls(authorityFile = process.env[authorityVariable]): ConnectionOptions | false {
  if (authorityFile === undefined) return false
  return {
    ca: readFileSync(authorityFile),
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
  }
}
