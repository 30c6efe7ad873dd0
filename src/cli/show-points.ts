import { recoveryPoints } from '../capture/recovery-points.ts'
import type { BackupPoint, RecoveryPoints } from '../capture/recovery-points.ts'
import { resolveInArchive } from '../capture/resolve-in-archive.ts'
import type { TargetInArchive } from '../capture/resolve-in-archive.ts'
import type { RecoveryTarget } from '../capture/resolve-target.ts'
import { statePath } from '../capture/archive-layout.ts'
import { lsnOf } from '../capture/wal-position.ts'
import { isLsn } from '../domain/lsn.ts'
import type { CommandContext } from './command-context.ts'
import type { PointsOptions } from './commands/points.ts'
import { chosenArchive } from './copies/estate-archive.ts'
import { exitCodes } from './exit-code.ts'
import { lsnOption, parseCount, parseInstant } from './archive-options.ts'
import { loadArchive } from './load-archive.ts'
import type { ReadArchive, ReadArchiveOptions } from '../capture/read-archive.ts'
import { backupPoint } from '../recovery/read-copies.ts'
import { readJson } from './read-json.ts'
import { pointsText, resolvedText } from './render/points-text.ts'
import { clockJson } from './render/clock-json.ts'
import { usageError } from './usage-error.ts'
import { openCatalogue } from './vault-access.ts'

/** Lists what is reachable, or resolves one target. Ends with 1 when the archive has a gap or is damaged. */
export async function showPoints({ terminal, end }: CommandContext, options: PointsOptions): Promise<void> {
  const target = targetOf(options)
  const { archive, snapshots } = await chosenArchive(terminal, options)
  const backups = await backupsOf(terminal, options, snapshots)
  const loaded = await loadArchive(archive, { backups, verify: options.verify === true })
  if (target !== undefined) {
    const resolved = await resolveInArchive(loaded, target)
    terminal.write(
      options.json === true ? `${JSON.stringify(resolvedJson(resolved))}\n` : resolvedText(resolved),
    )
    return
  }
  const points = await recoveryPoints(loaded.catalogue)
  const isSound =
    points.gaps.length === 0 && loaded.defects.length === 0 && loaded.ledger.defects.length === 0
  if (!isSound) end(exitCodes.failed)
  if (options.archive !== undefined && options.store === undefined && options.backups === undefined)
    terminal.note('No vault was named, so no base backup is known: --store and --pin say where it is.\n')
  if (options.json === true) terminal.write(`${JSON.stringify(await pointsJson(loaded, points))}\n`)
  else terminal.write(pointsText(loaded, points))
}

function targetOf(options: PointsOptions): RecoveryTarget | undefined {
  const { time, xid, lsn, name } = options
  const given: RecoveryTarget[] = []
  if (time !== undefined) given.push({ kind: 'time', microseconds: parseInstant(time) })
  if (xid !== undefined) given.push({ kind: 'xid', xid: parseCount(xid, 'the xid') })
  if (lsn !== undefined) given.push({ kind: 'lsn', lsn: lsnOption(lsn) })
  if (name !== undefined) given.push({ kind: 'name', name })
  if (options.end === true) given.push({ kind: 'end' })
  if (given.length > 1)
    throw usageError('more than one target was given', 'give one of --time, --xid, --lsn, --name, --end')
  const [target] = given
  if (target === undefined || options.timeline === undefined) return target
  return { ...target, timeline: parseCount(options.timeline, 'the timeline') }
}

type Backups = ReadArchiveOptions['backups']

/** Those of a vault that is named, of a list, or what the estate knows. */
async function backupsOf(
  terminal: CommandContext['terminal'],
  { archive, store, pin, backups }: PointsOptions,
  known: readonly BackupPoint[],
): Promise<Backups> {
  if (backups !== undefined) {
    const listed = await readBackups(backups)
    return () => listed
  }
  if (store === undefined && pin === undefined) return () => known
  if (archive === undefined || store === undefined || pin === undefined)
    throw usageError(
      '--store and --pin say where the vault of an --archive lies',
      'give all three, or none for what the estate keeps',
    )
  const { catalogue } = await openCatalogue(terminal, { store, pin })
  return ({ systemIdentifier }) =>
    catalogue.snapshots
      .filter(({ postgres }) => postgres.systemIdentifier === systemIdentifier)
      .map(backupPoint)
}

async function readBackups(file: string): Promise<readonly BackupPoint[]> {
  const list = (await readJson(file)) as unknown
  const isBackup = (one: Partial<BackupPoint> | null): one is BackupPoint =>
    typeof one?.id === 'string' &&
    typeof one.timeline === 'number' &&
    [one.startLsn, one.endLsn].every((lsn) => typeof lsn === 'string' && isLsn(lsn))
  if (Array.isArray(list) && list.every(isBackup)) return list
  throw usageError(
    `${file} is not a list of base backups`,
    'write [{"id", "timeline", "startLsn", "endLsn"}]',
  )
}

async function pointsJson(
  { archive, identity, ledger, defects, catalogue }: ReadArchive,
  points: RecoveryPoints,
) {
  const stateText = new TextDecoder().decode(await archive.read(statePath, 0, 1 << 16))
  return {
    archive: archive.name,
    systemIdentifier: identity.systemIdentifier,
    state: stateText === '' ? null : (JSON.parse(stateText) as unknown),
    covered: catalogue.coverage.flatMap(({ timeline, ranges }) =>
      ranges.map(({ start, end }) => ({ timeline, startLsn: lsnOf(start), endLsn: lsnOf(end) })),
    ),
    ranges: points.ranges.map(({ start, end, names, ...range }) => ({
      ...range,
      startLsn: lsnOf(start),
      endLsn: lsnOf(end),
      names: names.map(clockJson),
    })),
    gaps: points.gaps.map(({ start, end, ...gap }) => ({
      ...gap,
      startLsn: lsnOf(start),
      endLsn: lsnOf(end),
    })),
    leftBehind: points.leftBehind.map(({ timeline, from, end, commits }) => ({
      timeline,
      startLsn: lsnOf(from),
      endLsn: lsnOf(end),
      commits,
    })),
    defects,
    ledger: {
      entries: ledger.entries.length,
      defects: ledger.defects,
      head: ledger.entries.at(-1)?.digest ?? null,
    },
  }
}

function resolvedJson(resolved: TargetInArchive) {
  const { before, after, undoneEarlier, lastUndone, ...rest } = resolved
  return {
    ...rest,
    ...(lastUndone === undefined ? {} : { lastUndone: clockJson(lastUndone) }),
    before: before.map(clockJson),
    after: after.map(clockJson),
    undoneEarlier: undoneEarlier.map(clockJson),
  }
}
