// Runs in a thread of its own and ends: the commit clock of a busy month takes seconds to read.
import { resolveInArchive } from '../../capture/resolve-in-archive.ts'
import type { BackupPoint } from '../../capture/recovery-points.ts'
import { parseTarget } from '../../capture/target-text.ts'
import { openSystemArchive } from '../../platform/system-archive.ts'
import { answerOnce } from '../../platform/worker-thread.ts'
import type { ResolvedPoint } from '../../ports/kept-copies.ts'
import { loadArchive } from '../load-archive.ts'
import { resolvedPoint } from './resolved-point.ts'

export interface ResolveWork {
  readonly archiveDirectory: string
  readonly backups: readonly BackupPoint[]
  readonly target: string
}

await answerOnce(async ({ archiveDirectory, backups, target: text }: ResolveWork): Promise<ResolvedPoint> => {
  const target = parseTarget(text)
  const loaded = await loadArchive(openSystemArchive(archiveDirectory), {
    backups: () => backups,
    verify: false,
  })
  return resolvedPoint(await resolveInArchive(loaded, target))
})
