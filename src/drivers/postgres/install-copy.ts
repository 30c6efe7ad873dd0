import { rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readControlFile } from './control-file.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { freeName } from './kept-directories.ts'
import { exists, syncDirectory } from './owned-file.ts'
import { permanent, refused } from './postgres-failure.ts'
import { processesOf } from './process-table.ts'
import type { RecoveryPlace } from './recovery-place.ts'

/**
 * Two renames on one file system: the old directory gets a name that nobody has, the copy gets its place. The name is written down before
 * the first one, so that whoever goes on between the two knows what is done. Nothing is copied and nothing is removed.
 */
export async function installCopy(
  config: PostgresMemberConfig,
  place: RecoveryPlace,
): Promise<{ readonly kept: string }> {
  const { dataDirectory } = config
  const parent = dirname(dataDirectory)
  const noted = (await place.read('installing'))?.['kept']
  if (!(await exists(place.dataDirectory))) {
    if (typeof noted === 'string' && (await exists(dataDirectory))) return { kept: noted }
    throw permanent(
      'RECOVERY_OUT_OF_ORDER',
      `${place.dataDirectory} is gone, and nothing says that it was moved`,
      'look at the directories on the host: `ls -d <data directory>*`',
    )
  }
  await requireStopped(config, place)
  const kept =
    typeof noted === 'string'
      ? noted
      : (await exists(dataDirectory))
        ? await freeName(dataDirectory, 'kept')
        : ''
  if (noted === undefined) await place.write('installing', { kept })
  if (kept !== '' && !(await exists(kept))) {
    await rename(dataDirectory, kept)
    await syncDirectory(parent)
  }
  if (await exists(dataDirectory))
    throw refused(
      'PG_DIRECTORY_NOT_EMPTY',
      `${dataDirectory} is there again although it was moved to ${kept}: it is not replaced`,
      `move it aside by hand, then \`pointzero resume <run>\``,
    )
  await rename(place.dataDirectory, dataDirectory)
  await syncDirectory(parent)
  await syncDirectory(place.root)
  return { kept }
}

async function requireStopped(
  { dataDirectory, name }: PostgresMemberConfig,
  place: RecoveryPlace,
): Promise<void> {
  for (const directory of [dataDirectory, place.dataDirectory]) {
    if (!(await exists(directory)) || (await processesOf(directory)).length === 0) continue
    throw refused(
      'PG_RUNNING',
      `${name}: a server runs on ${directory}`,
      'stop it, then `pointzero resume <run>`',
    )
  }
  const control = await readControlFile(place.dataDirectory)
  if (control?.state === 'shut down') return
  const hint = 'let it be finished again: `pointzero resume <run>`'
  throw permanent('PG_NOT_CLEAN', `${place.dataDirectory} is "${control?.state ?? 'no cluster'}"`, hint)
}
