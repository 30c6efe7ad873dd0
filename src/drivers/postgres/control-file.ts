import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lsnFromBigint } from '../../domain/lsn.ts'
import type { Lsn } from '../../domain/lsn.ts'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { viewOf } from '../../protocol/view-of.ts'

/** DBState of src/include/catalog/pg_control.h, in its order. */
const states = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const

export interface ControlFile {
  readonly systemIdentifier: string
  readonly state: (typeof states)[number]
  /** Start of the latest checkpoint record. */
  readonly checkpointLsn: Lsn
  readonly timeline: number
}

/** pg_control versions of PostgreSQL 13-16, 17 and 18. The fields read here lie at the same place in all of them. */
const versions: ReadonlySet<number> = new Set([1300, 1700, 1800])

/** `undefined` when there is no cluster in the directory. A torn read is repeated by the caller: it fails the checksum. */
export async function readControlFile(dataDirectory: string): Promise<ControlFile | undefined> {
  try {
    return parseControlFile(await readFile(join(dataDirectory, 'global', 'pg_control')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The same of a directory that is going to be replaced: a control file that can not be read is one reason for it. */
export async function readableControlFile(dataDirectory: string): Promise<ControlFile | undefined> {
  try {
    return await readControlFile(dataDirectory)
  } catch (error) {
    if ((error as { code?: string }).code === 'PG_CONTROL_UNREADABLE') return undefined
    throw error
  }
}

export function parseControlFile(bytes: Uint8Array): ControlFile {
  if (bytes.length < 296) throw unreadable('it is too short')
  const view = viewOf(bytes)
  const version = view.getUint32(8, true)
  if (!versions.has(version))
    throw unreadable(`version ${version}, known are 1300 (PostgreSQL 15), 1700, 1800`)
  if (!hasChecksum(bytes, view)) throw unreadable('its checksum does not match')
  const state = states[view.getUint32(16, true)]
  if (state === undefined) throw unreadable('its state is out of range')
  return {
    systemIdentifier: view.getBigUint64(0, true).toString(),
    state,
    checkpointLsn: lsnFromBigint(view.getBigUint64(32, true)),
    timeline: view.getUint32(48, true),
  }
}

/** The length differs between majors; CRC-32C covers everything before itself, so it is found where it matches. */
function hasChecksum(bytes: Uint8Array, view: DataView): boolean {
  let crc = 0xffff_ffff
  const last = Math.min(bytes.length - 4, 508)
  for (let index = 0; index <= last; index++) {
    if (index >= 256 && index % 4 === 0 && view.getUint32(index, true) === ~crc >>> 0) return true
    crc ^= bytes[index] as number
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  }
  return false
}

function unreadable(why: string): RecoveryError {
  return new RecoveryError({
    code: 'PG_CONTROL_UNREADABLE',
    class: 'permanent',
    message: `global/pg_control can not be read: ${why}`,
    hint: 'run `pg_controldata <data directory>` on the host; a damaged one is replaced by a rejoin or a restore',
  })
}
