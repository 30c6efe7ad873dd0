import type { Upstream } from '../../ports/database-member.ts'
import { quoteConninfoValue, requireAddress, requireMemberName } from './quoting.ts'

export interface ConninfoParts {
  readonly upstream: Upstream
  readonly user: string
  /** Under which this member is known to the upstream. */
  readonly applicationName: string
  /** The password is never in the string: it would be shown by `show primary_conninfo` and travel with every base backup. */
  readonly passFile?: string
  readonly database?: string
  /** Its PEM file. The connection is then encrypted, and made only with the host that the address belongs to. */
  readonly authorityFile?: string
}

/** How a member reaches another one: dead peers are noticed within seconds, no round trip for GSS. */
export function buildConninfo(parts: ConninfoParts): string {
  const { upstream, authorityFile } = parts
  const pairs: readonly (readonly [string, string | undefined])[] = [
    ['host', requireAddress(upstream.address)],
    ['port', String(upstream.port)],
    ['user', parts.user],
    ['dbname', parts.database],
    ['passfile', parts.passFile],
    ['application_name', requireMemberName(parts.applicationName)],
    ['connect_timeout', '2'],
    ['keepalives_idle', '2'],
    ['keepalives_interval', '1'],
    ['keepalives_count', '3'],
    ['tcp_user_timeout', '5000'],
    ['gssencmode', 'disable'],
    // An address is compared with the addresses in the certificate from libpq 15 on, which is the oldest that a member has.
    ['sslmode', authorityFile === undefined ? undefined : 'verify-full'],
    ['sslrootcert', authorityFile],
    ['ssl_min_protocol_version', authorityFile === undefined ? undefined : 'TLSv1.3'],
  ]
  return pairs
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${quoteConninfoValue(value)}`]))
    .join(' ')
}

/** Keyword/value pairs as libpq reads them; `undefined` for what libpq would refuse, and for URIs (never written by us). */
export function parseConninfo(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  const pair = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)\s*/suy
  while (pair.lastIndex < text.length) {
    const from = pair.lastIndex
    const match = pair.exec(text)
    if (match === null || pair.lastIndex === from) return text.slice(from).trim() === '' ? pairs : undefined
    pairs.set(match[1] as string, (match[2] ?? match[3] ?? '').replaceAll(/\\(.)/gsu, '$1'))
  }
  return pairs
}

/** `host:port`, or '' for no upstream. What can not be read is shown as it is: it is not "no upstream". */
export function describeUpstream(conninfo: string): string {
  if (conninfo.trim() === '') return ''
  const pairs = parseConninfo(conninfo)
  if (pairs === undefined) return 'unreadable'
  const host = pairs.get('host') ?? pairs.get('hostaddr') ?? ''
  return `${host}:${pairs.get('port') ?? '5432'}`
}
