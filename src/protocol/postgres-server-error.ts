import { RecoveryError } from '../domain/recovery-error.ts'
import type { ErrorClass } from '../domain/recovery-error.ts'
import { ByteReader } from './byte-reader.ts'

/** What an ErrorResponse or a NoticeResponse says. Severity is the untranslated one. */
export interface ServerReport {
  readonly severity: string
  readonly sqlstate: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
}

/** The server refused or failed: `sqlstate` says what, `class` what to do about it. */
export class PostgresServerError extends RecoveryError {
  readonly severity: string
  readonly sqlstate: string
  readonly detail: string | undefined
  /** The server's own words; `hint` names the next command. */
  readonly serverHint: string | undefined

  constructor(report: ServerReport) {
    super({
      code: 'PG_SERVER_ERROR',
      class: classOf(report.sqlstate),
      message: [
        `PostgreSQL ${report.severity} ${report.sqlstate}: ${report.message}`,
        ...(report.detail === undefined ? [] : [report.detail]),
      ].join(': '),
      hint: nextStep(report),
      context: { sqlstate: report.sqlstate, severity: report.severity },
    })
    this.name = 'PostgresServerError'
    this.severity = report.severity
    this.sqlstate = report.sqlstate
    this.detail = report.detail
    this.serverHint = report.hint
  }
}

export function decodeServerReport(body: Uint8Array): ServerReport {
  const reader = new ByteReader(body)
  const fields = new Map<number, string>()
  for (let tag = reader.uint8(); tag !== 0; tag = reader.uint8()) fields.set(tag, reader.cString())
  const field = (letter: string) => fields.get(letter.charCodeAt(0))
  const detail = field('D')
  const hint = field('H')
  return {
    severity: field('V') ?? field('S') ?? 'ERROR',
    sqlstate: field('C') ?? 'XX000',
    message: field('M') ?? 'no message',
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
  }
}

/** Lost connections, lacking resources, an object in use, serialization failures, operator intervention: the same request may succeed later. */
const transient = /^(08|53|55006|40|57P0[1-5]|57014)/

function classOf(sqlstate: string): ErrorClass {
  // The server does not know whether the transaction was completed.
  if (sqlstate === '40003' || sqlstate === '08007') return 'unknown-outcome'
  return transient.test(sqlstate) ? 'transient' : 'permanent'
}

function nextStep(report: ServerReport): string {
  const { sqlstate } = report
  if (sqlstate === '28P01')
    return 'correct the password of this role, then try `psql "host=… user=… replication=true" -c IDENTIFY_SYSTEM`'
  if (sqlstate === '28000')
    return 'as superuser on the server: `select * from pg_hba_file_rules`, then add a rule and `select pg_reload_conf()`'
  if (sqlstate === '42501') return 'as superuser: `alter role … with replication`'
  if (sqlstate === '53300')
    return 'raise max_wal_senders or max_connections, or close one: `select * from pg_stat_replication`'
  if (sqlstate === '53400')
    return 'raise max_replication_slots, or drop an unused one: `select * from pg_replication_slots`'
  if (sqlstate === '55006') return 'see who holds it: `select * from pg_replication_slots`'
  if (sqlstate === '58P01')
    return 'the WAL asked for is gone: take a new base backup, and stream from a replication slot'
  return report.hint ?? 'look at the server log around this time'
}
