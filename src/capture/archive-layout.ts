import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveDirectory } from '../ports/archive-directory.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import { inGroups } from './in-groups.ts'
import { historyName, parseSegmentName } from './wal-position.ts'
import type { NamedSegment } from './wal-position.ts'

export const walFolder = 'wal'
export const clockFolder = 'clock'
export const conflictFolder = 'conflicts'
export const namesFolder = 'names'
export const ledgerPath = 'ledger'
export const statePath = 'state.json'
const identityPath = 'FORMAT'

export const archiveFormat = 'pointzero/wal-archive/1'

/** What an archive belongs to, for ever. */
export interface ArchiveIdentity {
  readonly format: typeof archiveFormat
  readonly systemIdentifier: string
  readonly segmentBytes: number
}

/** `undefined` for an archive that nothing was written to yet. */
export async function readIdentity(archive: ArchiveReader): Promise<ArchiveIdentity | undefined> {
  const bytes = await archive.read(identityPath, 0, 4096)
  // A process that ended before its first sync leaves an empty file.
  if (bytes.length === 0) return undefined
  const text = new TextDecoder().decode(bytes)
  const found = parsed(text) as Partial<ArchiveIdentity> | undefined | null
  const { format, systemIdentifier = '', segmentBytes = 0 } = found ?? {}
  if (format === archiveFormat && /^\d{1,20}$/.test(systemIdentifier) && isSegmentSize(segmentBytes)) {
    const identity = { format, systemIdentifier, segmentBytes }
    if (text === identityText(identity)) return identity
  }
  throw new RecoveryError({
    code: 'FORMAT_UNKNOWN',
    class: 'refused',
    message: `${archive.name}/${identityPath}: this is not ${archiveFormat}`,
    hint: 'name another directory, or use the release that wrote it (`pointzero --version`)',
  })
}

export async function writeIdentity(archive: ArchiveDirectory, identity: ArchiveIdentity): Promise<void> {
  for (const folder of [walFolder, clockFolder, conflictFolder, namesFolder]) await archive.makeFolder(folder)
  await writeDurably(archive, identityPath, encode(identityText(identity)))
}

function identityText(identity: ArchiveIdentity): string {
  return `${canonicalJson({ ...identity })}\n`
}

/**
 * Makes the file with this content, durably with its name, whole or not at all: a file that a power cut tore would be refused for ever. Not for files
 * that exist with other content.
 */
export async function writeDurably(
  archive: ArchiveDirectory,
  path: string,
  content: Uint8Array,
): Promise<void> {
  const isNew = (await archive.sizeOf(path)) === undefined
  const written = isNew ? `${path}.new` : path
  const file = await archive.open(written)
  try {
    await file.write(0, content)
    await file.resize(content.length)
    await file.sync()
  } finally {
    await file.close()
  }
  if (isNew) await archive.rename(written, path)
  await archive.syncFolder(path.includes('/') ? path.slice(0, path.indexOf('/')) : '')
}

/** Every segment in the archive by timeline and position, whether the ledger knows it or not. */
export async function listSegments(
  archive: ArchiveReader,
  segmentBytes: number,
): Promise<readonly NamedSegment[]> {
  const named = (await archive.list(walFolder)).flatMap((name) => parseSegmentName(name, segmentBytes) ?? [])
  return named.toSorted((left, right) => left.timeline - right.timeline || left.start - right.start)
}

/** History files in the archive: timeline → content. */
export async function readHistories(archive: ArchiveReader): Promise<Map<number, string>> {
  const timelines = (await archive.list(walFolder)).flatMap((name) => {
    const timeline = /^[0-9A-F]{8}\.history$/.test(name) ? Number.parseInt(name.slice(0, 8), 16) : 0
    return timeline < 2 ? [] : [timeline]
  })
  const texts = await inGroups(timelines, async (timeline) => {
    const bytes = await archive.read(`${walFolder}/${historyName(timeline)}`, 0, 1 << 20)
    return [timeline, new TextDecoder().decode(bytes)] as const
  })
  return new Map(texts)
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not JSON: the caller says what that means.
    return undefined
  }
}

/** 1 MiB to 1 GiB, a power of two (initdb --wal-segsize). */
export function isSegmentSize(bytes: number): boolean {
  return bytes >= 1 << 20 && bytes <= 1 << 30 && (bytes & (bytes - 1)) === 0
}
