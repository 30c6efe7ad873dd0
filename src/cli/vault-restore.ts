import { resolve } from 'node:path'
import { openRestoreTarget } from '../platform/restore-target.ts'
import { findSnapshot } from '../vault/catalogue.ts'
import { restoreSnapshot } from '../vault/restore-snapshot.ts'
import type { RestoreOptions } from './commands/vault.ts'
import { bytesText, progressNotes } from './render/progress-notes.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'
import { openCatalogue, recoveryKeyOf } from './vault-access.ts'

export async function restore(terminal: Terminal, wanted: string, options: RestoreOptions): Promise<void> {
  const { vault, catalogue } = await openCatalogue(terminal, options)
  const manifest = findSnapshot(catalogue, wanted, options.component)
  const key = await recoveryKeyOf(terminal, options.key)
  const directory = resolve(terminal.workingDirectory, options.into)
  const target = openRestoreTarget(directory, ownerOf(options.owner))
  const onProgress = progressNotes(terminal, `restore of ${manifest.snapshot}`)
  const { files, bytes } = await restoreSnapshot(vault, manifest, key, target, { onProgress })
  const { snapshot, source, postgres, finishedAtMs } = manifest
  if (options.json === true) {
    const result = { snapshot, source, into: directory, files, bytes, postgres, finishedAtMs }
    terminal.write(`${JSON.stringify(result)}\n`)
    return
  }
  terminal.write(
    `${snapshot} of ${source.component} restored into ${directory}: ${files} files, ${bytesText(bytes)}, each compared with ` +
      `backup_manifest\nIt starts as it stood at ${postgres.endLsn} on timeline ${postgres.timeline}, and not later. ` +
      `Its settings are those of production: look at archive_command and primary_conninfo before it is started.\n`,
  )
}

function ownerOf(text: string | undefined): { readonly uid: number; readonly gid: number } | undefined {
  if (text === undefined) return undefined
  const [, uid, gid] = /^(\d{1,9}):(\d{1,9})$/.exec(text) ?? []
  if (uid === undefined || gid === undefined) throw usageError(`${text} is no owner`, 'write it as 999:999')
  return { uid: Number(uid), gid: Number(gid) }
}
