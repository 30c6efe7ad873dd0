import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import { parseLsn } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'

export interface ManifestFile {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** PostgreSQL's backup_manifest, version 1 (to 16) or 2 (17 and newer). */
export interface BackupManifest {
  /** Absent in version 1. */
  readonly systemIdentifier: string | undefined
  readonly files: readonly ManifestFile[]
  readonly walRanges: readonly { readonly timeline: number; readonly start: Lsn; readonly end: Lsn }[]
}

/** What was received of one file. */
export interface ReceivedFile {
  readonly sizeBytes: number
  readonly sha256: string
}

/** Refuses a manifest whose own checksum is wrong. */
export function parseBackupManifest(bytes: Uint8Array): BackupManifest {
  checkOwnSum(bytes)
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  const manifest = parseJson(text)
  const version = manifest['PostgreSQL-Backup-Manifest-Version']
  if (version !== 1 && version !== 2) throw manifestRefused(`its version ${String(version)} is unknown`)
  // A JSON number would lose the low bits of the 64.
  const identifier = /"System-Identifier":\s*(\d+)/.exec(text.slice(0, text.indexOf('"Files"')))?.[1]
  return {
    systemIdentifier: identifier,
    files: list(manifest['Files']).map(fileOf),
    walRanges: list(manifest['WAL-Ranges']).map((range) => ({
      timeline: Number(range['Timeline']),
      start: parseLsn(String(range['Start-LSN'])),
      end: parseLsn(String(range['End-LSN'])),
    })),
  }
}

/** Each file of the manifest was received with this size and sum, and nothing else was. WAL is not in the manifest. */
export function checkAgainstManifest(
  manifest: BackupManifest,
  received: ReadonlyMap<string, ReceivedFile>,
): void {
  const problems: string[] = []
  const listed = new Set<string>()
  for (const file of manifest.files) {
    listed.add(file.path)
    const found = received.get(file.path)
    if (found === undefined) problems.push(`${file.path} is missing`)
    else if (found.sizeBytes !== file.sizeBytes) {
      problems.push(`${file.path} has ${found.sizeBytes} bytes instead of ${file.sizeBytes}`)
    } else if (found.sha256 !== file.sha256) problems.push(`${file.path} has another content`)
  }
  for (const path of received.keys()) {
    if (!listed.has(path) && !path.startsWith('pg_wal/')) problems.push(`${path} is not in the manifest`)
  }
  if (problems.length === 0) return
  const more = problems.length > 5 ? ` and ${problems.length - 5} more` : ''
  throw manifestRefused(`${problems.slice(0, 5).join('; ')}${more}`)
}

/** The last line holds the SHA-256 of every byte before it. */
function checkOwnSum(bytes: Uint8Array): void {
  const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1
  const line = new TextDecoder('latin1').decode(bytes.subarray(lastLine))
  const claimed = /^"Manifest-Checksum": "([0-9a-f]{64})"\}\n?$/.exec(line)?.[1]
  const actual = createHash('sha256').update(bytes.subarray(0, lastLine)).digest('hex')
  if (claimed !== actual) throw manifestRefused('its own checksum is missing or wrong')
}

type JsonObject = Readonly<Record<string, unknown>>

function parseJson(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject
  } catch (error) {
    throw manifestRefused('it is not JSON', error)
  }
}

function list(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) throw manifestRefused('it has no list where one is needed')
  return value as readonly JsonObject[]
}

function fileOf(entry: JsonObject): ManifestFile {
  const encoded = entry['Encoded-Path']
  const path = typeof encoded === 'string' ? Buffer.from(encoded, 'hex').toString('utf8') : entry['Path']
  const sizeBytes = entry['Size']
  const sha256 = entry['Checksum']
  if (typeof path !== 'string' || typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes)) {
    throw manifestRefused('an entry has no path or size')
  }
  if (entry['Checksum-Algorithm'] !== 'SHA256' || typeof sha256 !== 'string') {
    throw manifestRefused(`${path} has no SHA-256`)
  }
  return { path, sizeBytes, sha256 }
}

function manifestRefused(why: string, cause?: unknown): RecoveryError {
  return new RecoveryError({
    code: 'PG_MANIFEST_MISMATCH',
    class: 'permanent',
    message: `the copy does not match its backup_manifest: ${why}`,
    hint: 'take the copy again; if it happens twice, check the source: `pg_amcheck --all --heapallindexed`',
    ...(cause === undefined ? {} : { cause }),
  })
}
