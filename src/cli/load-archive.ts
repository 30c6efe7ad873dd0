import { readArchive } from '../capture/read-archive.ts'
import type { ReadArchive, ReadArchiveOptions } from '../capture/read-archive.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import { usageError } from './usage-error.ts'

/** The archive that somebody named. */
export async function loadArchive(
  archive: ArchiveReader,
  { backups, verify }: ReadArchiveOptions,
): Promise<ReadArchive> {
  const read = await readArchive(archive, { backups, verify })
  if (read !== undefined) return read
  throw usageError(
    `${archive.name} is not a WAL archive`,
    'name the archiveDirectory of the capture configuration',
  )
}
