// Runs in a thread of its own and ends: the commit clock of a busy month takes seconds to read.
import { resolveTarget } from '../../capture/resolve-target.ts'
import type { BackupPoint } from '../../capture/recovery-points.ts'
import { parseTarget } from '../../capture/target-text.ts'
import { toErrorRecord } from '../../domain/recovery-error.ts'
import type { ErrorRecord } from '../../domain/recovery-error.ts'
import { openSystemArchive } from '../../platform/system-archive.ts'
import { workerSide } from '../../platform/worker-thread.ts'
import type { ResolvedPoint } from '../../ports/kept-copies.ts'
import { loadArchive } from '../load-archive.ts'
import { resolvedPoint } from './resolved-point.ts'

export interface ResolveWork {
  readonly archiveDirectory: string
  readonly backups: readonly BackupPoint[]
  readonly target: string
}

export type Resolution = { readonly point: ResolvedPoint } | { readonly error: ErrorRecord }

const { data, side } = workerSide<ResolveWork, Resolution>()
try {
  const target = parseTarget(data.target)
  const archive = openSystemArchive(data.archiveDirectory)
  const { catalogue } = await loadArchive(archive, { backups: data.backups, verify: false })
  side.send({ point: resolvedPoint(resolveTarget(catalogue, target)) })
} catch (error) {
  side.send({ error: toErrorRecord(error) })
}
