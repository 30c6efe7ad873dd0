import { readArchive } from '../capture/read-archive.ts'
import type { ReadArchive } from '../capture/read-archive.ts'
import type { BackupPoint } from '../capture/recovery-points.ts'
import type { ArchiveReader } from '../ports/recovery-source.ts'
import { usageError } from './usage-error.ts'

/** The archive that somebody named. */
export async function loadArchive(
  archive: ArchiveReader,
  { backups, verify }: { readonly backups: readonly BackupPoint[]; readonly verify: boolean },
): Promise<ReadArchive> {
  const read = await readArchive(archive, { backups: () => backups, verify })
  if (read !== undefined) return read
  throw usageError(
    `${archive.name} is not a WAL archive`,
    'name the archiveDirectory of the capture configuration',
  )
}
