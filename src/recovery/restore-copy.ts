import { inGroups } from '../capture/in-groups.ts'
import { lsnOf, segmentStart } from '../capture/wal-position.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { RecoveryGoal, StageReport } from '../ports/database-recovery.ts'
import type { IsolatedDatabase, ReplacedDatabase } from '../ports/isolated-database.ts'
import type { Log } from '../ports/log.ts'
import type { RecoveryKeyring } from '../ports/recovery-source.ts'
import type { RestoreDirectory } from '../ports/restore-target.ts'
import { parseRecoveryKey } from '../vault/recipient.ts'
import { restoreSnapshot } from '../vault/restore-snapshot.ts'
import { fetchSegment, historyFiles, neededSegments } from './fetch-wal.ts'
import type { GoalStanding } from './goal-standing.ts'
import type { ReadCopies } from './read-copies.ts'

export interface RestoreSetting {
  readonly copies: ReadCopies
  readonly standing: GoalStanding
  readonly keyring: RecoveryKeyring
  readonly isolated: IsolatedDatabase
  readonly replaced: ReplacedDatabase
  readonly openTarget: (directory: string) => RestoreDirectory
  readonly log: Log
}

/** How often a long restore says how far it is. */
const progressBytes = 256 << 20
/** What a replay writes on top of what it replays: restartpoints, the new timeline's first segments. */
const spareSegments = 4
/** Of 16 MiB as a rule, each in memory as a whole. A far archive is read ahead for about so many, not for more. */
const segmentsAtOnce = 2

/**
 * Snapshot and WAL into the empty place of the run. What can be refused is refused before the first byte; WAL is compared with the ledger
 * before anything is started from it.
 */
export async function restoreCopy(
  run: string,
  goal: RecoveryGoal,
  setting: RestoreSetting,
): Promise<StageReport> {
  const { copies, standing, keyring, isolated, replaced, log } = setting
  const { segmentBytes, systemIdentifier } = copies.identity
  const manifest = copies.snapshots.find(({ snapshot }) => snapshot === goal.snapshot)
  if (manifest === undefined) throw noSnapshot(goal.snapshot)
  await isolated.requireMajor(Number.parseInt(manifest.postgres.version, 10))
  const segments = neededSegments(standing.lineage, standing, segmentBytes)
  const { directory, freeBytes } = await isolated.begin(run)
  const neededBytes = manifest.totals.bytes + (segments.length + spareSegments) * segmentBytes
  if (freeBytes < neededBytes) throw noRoom(directory, freeBytes, neededBytes)
  let saidBytes = 0
  const onProgress = (doneBytes: number, totalBytes: number): void => {
    if (doneBytes - saidBytes < progressBytes) return
    saidBytes = doneBytes
    log.info('recovery-restoring', { run, doneBytes, totalBytes })
  }
  const key = parseRecoveryKey(keyring.recoveryKeyPem)
  const target = setting.openTarget(directory)
  const { files, bytes } = await restoreSnapshot(copies.vault, manifest, key, target, { onProgress })
  await putHistories(run, copies, isolated, replaced)
  // One is read while another becomes durable.
  const put = async (name: string): Promise<boolean> => {
    const { content, isListed } = await fetchSegment(copies, name)
    await isolated.putWal(run, name, content)
    return isListed
  }
  const listed = await inGroups(segments, put, segmentsAtOnce)
  await isolated.settle(run, systemIdentifier)
  return {
    snapshot: goal.snapshot,
    files,
    bytes,
    walSegments: segments.length,
    walSegmentsUnlisted: listed.filter((isListed) => !isListed).length,
    walFrom: lsnOf(segmentStart(standing.from, segmentBytes)),
    walUntil: lsnOf(standing.until),
    ...(segments.length === 0 ? {} : { lastSegment: segments.at(-1) as string }),
  }
}

/** Those of the archive, and those that only the replaced directory has: a promotion of the last minute may not be in the archive yet. */
async function putHistories(
  run: string,
  copies: ReadCopies,
  isolated: IsolatedDatabase,
  replaced: ReplacedDatabase,
): Promise<void> {
  const histories = new Map(historyFiles(copies))
  for (const name of await replaced.walFiles()) {
    if (!/^[0-9A-F]{8}\.history$/.test(name) || histories.has(name)) continue
    const content = await replaced.readWal(name)
    if (content !== undefined) histories.set(name, content)
  }
  for (const [name, content] of histories) await isolated.putWal(run, name, content)
}

function noSnapshot(snapshot: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_SNAPSHOT_UNKNOWN',
    class: 'permanent',
    message: `there is no snapshot ${snapshot}`,
    hint: 'see what there is: `pointzero vault list`',
  })
}

function noRoom(directory: string, freeBytes: number, neededBytes: number): RecoveryError {
  return new RecoveryError({
    code: 'RESTORE_NO_ROOM',
    class: 'refused',
    message: `${directory} has room for ${freeBytes} bytes, snapshot and WAL need ${neededBytes}; nothing was written`,
    hint: `free space there: \`df ${directory}\`; old copies are named *.kept-<n>`,
    context: { freeBytes, neededBytes },
  })
}
