import { RecoveryError } from '../../domain/recovery-error.ts'

/** PostgreSQL cuts longer names silently (NAMEDATALEN - 1), and a cut name is another name. */
const nameBytesMax = 63

/** Every text that becomes part of SQL, of a connection string or of a configuration file is quoted here and nowhere else. */

export function quoteIdentifier(name: string): string {
  requireText(name, 'an identifier')
  const bytes = new TextEncoder().encode(name).length
  if (bytes === 0 || bytes > nameBytesMax) {
    throw refused(`an identifier has 1 to ${nameBytesMax} bytes, this one ${bytes}: ${shown(name)}`)
  }
  return `"${name.replaceAll('"', '""')}"`
}

/** A string constant. With a backslash in it as `E'…'`, so that standard_conforming_strings does not matter. */
export function quoteLiteral(text: string): string {
  requireText(text, 'a string')
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** One value of a libpq connection string. Always in quotes, so that it can not end and begin another keyword. */
export function quoteConninfoValue(text: string): string {
  requireOneLine(text, 'a connection parameter')
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** A value in postgresql.conf or postgresql.auto.conf. */
export function quoteConfigurationValue(text: string): string {
  requireOneLine(text, 'a setting')
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

/** A field of a libpq password file. */
export function quotePassFileField(text: string): string {
  requireOneLine(text, 'a password')
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:')
}

/**
 * A member's label as PostgreSQL shows it. application_name replaces everything but printable ASCII, and cuts at 63 bytes;
 * a label that arrives changed would never match synchronous_standby_names. `*` would match everybody.
 */
export function requireMemberName(name: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]{0,61}[\x21-\x7e])?$/.test(name) && name !== '*') return name
  throw refused(
    `a member's name has 1 to ${nameBytesMax} printable ASCII characters and is not "*": ${shown(name)}`,
  )
}

/** One address: libpq would take a comma as a list and a leading slash as a socket directory. */
export function requireAddress(address: string): string {
  if (/^[0-9A-Za-z](?:[0-9A-Za-z._:%-]{0,252})$|^::1$|^::$/.test(address)) return address
  throw refused(`not one host name or IP address: ${shown(address)}`)
}

function requireOneLine(text: string, what: string): void {
  requireText(text, what)
  if (/[\r\n]/.test(text)) throw refused(`${what} can not hold a line break: ${shown(text)}`)
}

function requireText(text: string, what: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw refused(`${what} must be text without zero bytes`)
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}

function refused(message: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_NAME_INVALID',
    class: 'permanent',
    message,
    hint: 'change the name in estate.yaml, then `pointzero check`',
  })
}
