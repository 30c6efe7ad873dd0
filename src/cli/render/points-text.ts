import type { CaptureState } from '../../capture/capture-state.ts'
import type { ClockEntry } from '../../capture/commit-clock.ts'
import type { RecoveryPoints } from '../../capture/recovery-points.ts'
import type { TargetInArchive } from '../../capture/resolve-in-archive.ts'
import type { SuspiciousTransaction } from '../../capture/suspicious-transactions.ts'
import { lsnOf } from '../../capture/wal-position.ts'
import type { ReadArchive } from '../../capture/read-archive.ts'
import { avoidedDropText } from './avoided-drop-text.ts'
import { microsecondText } from './clock-json.ts'
import { plainText } from './plain-text.ts'
import { textTable } from './text-table.ts'

export function protectionText({ protection, source, timeline, durableLsn, alarms }: CaptureState): string {
  const where =
    source === null ? '' : ` from ${source}, timeline ${timeline ?? '?'}, durable to ${durableLsn ?? '?'}`
  const rings = alarms.length === 0 ? '' : ` [${alarms.join(', ')}]`
  return plainText(`${whatProtects(protection)}${where}${rings}`)
}

function whatProtects(protection: CaptureState['protection']): string {
  switch (protection.kind) {
    case 'sync':
      return 'sync'
    case 'streaming':
      return `streaming, ${protection.exposedBytes} bytes exposed`
    case 'degraded': {
      const since = Temporal.Instant.fromEpochMilliseconds(Math.round(protection.sinceMs))
      return `degraded since ${since.toString()} (${protection.reason})`
    }
  }
}

export function pointsText(
  { archive, ledger, defects, catalogue }: ReadArchive,
  points: RecoveryPoints,
): string {
  const { ranges, gaps, leftBehind } = points
  const covered = catalogue.coverage.flatMap(({ timeline, ranges: held }) =>
    held.map(({ start, end }) => [String(timeline), lsnOf(start), lsnOf(end)]),
  )
  return [
    `WAL in ${archive.name}:\n`,
    textTable(['timeline', 'from', 'to'], covered),
    ranges.length === 0
      ? '\nNothing can be recovered: no base backup reaches into this WAL.\n'
      : '\nReachable:\n',
    ranges.length === 0 ? '' : textTable(rangeColumns, ranges.map(rangeRow)),
    ...ranges.flatMap(({ names }) => names.map((point) => `  named ${entryText(point)}\n`)),
    ...gaps.map(
      ({ start, end, firstMissing, missingSegments }) =>
        `GAP: ${firstMissing} is missing (${missingSegments} segments, ${lsnOf(start)} to ${lsnOf(end)}): nothing behind it can be replayed from before it\n`,
    ),
    ...leftBehind.map(
      ({ timeline, from, end, commits }) =>
        `LEFT BEHIND: ${commits} commits of timeline ${timeline}, ${lsnOf(from)} to ${lsnOf(end)}, are not in the newest history\n`,
    ),
    ...defects.map(({ file, problem, detail }) => `DAMAGED: ${file} is ${problem}: ${detail}\n`),
    ...ledger.defects.map(({ line, what }) => `LEDGER: line ${line}: ${what}\n`),
  ]
    .map((line) =>
      line.endsWith('\n') ? `${line.slice(0, -1).split('\n').map(plainText).join('\n')}\n` : line,
    )
    .join('')
}

const rangeColumns = [
  'timeline',
  'from',
  'to',
  'first commit',
  'last commit',
  'known until',
  'commits',
  'backup',
]

function rangeRow(range: RecoveryPoints['ranges'][number]): readonly string[] {
  const time = (microseconds: number | undefined): string =>
    microseconds === undefined ? '-' : microsecondText(microseconds)
  return [
    String(range.timeline),
    lsnOf(range.start),
    lsnOf(range.end),
    time(range.firstCommitMicroseconds),
    time(range.lastCommitMicroseconds),
    time(range.knownUntilMicroseconds),
    String(range.commits),
    range.backup,
  ]
}

export function resolvedText(resolved: TargetInArchive): string {
  const { timeline, lsn, inclusive, reached, backup, before, after, undoneEarlier, undoneCommits } = resolved
  const [firstEarlier] = undoneEarlier
  const earlier =
    firstEarlier === undefined
      ? ''
      : `  NOTE: ${resolved.undoneEarlierCommits} of the commits undone have a time that is not after the wanted one; the first is ${entryText(firstEarlier)}\n`
  return [
    `timeline ${timeline}, ${inclusive ? 'after' : 'before'} the record at ${lsn} (replay then stands at ${reached})\n`,
    `  from backup ${plainText(backup.id)} of ${backup.endLsn}\n`,
    ...before.map((entry) => `  kept    ${entryText(entry)}\n`),
    ...after.map((entry) => `  undone  ${entryText(entry)}\n`),
    `  ${undoneCommits} commits come after it\n`,
    earlier,
    avoidedDropText(resolved.avoidedDrop),
  ].join('')
}

export function suspicionText(found: readonly SuspiciousTransaction[]): string {
  if (found.length === 0) return 'Nothing dropped, emptied or changed much.\n'
  const rows = found.map(({ kind, xid, commitLsn, timeMicroseconds, relation, name, rows: count }) => [
    kind,
    String(xid),
    commitLsn,
    microsecondText(timeMicroseconds),
    name ?? unnamedText(kind, relation),
    count === undefined ? '?' : String(count),
  ])
  return textTable(['what', 'xid', 'commit LSN', 'time', 'table', 'rows'], rows)
}

function unnamedText(
  kind: SuspiciousTransaction['kind'],
  { database, file }: SuspiciousTransaction['relation'],
): string {
  return kind === 'drop-database' ? `database ${database}` : `file ${database}/${file}`
}

function entryText({ kind, xid, start, timeMicroseconds, name }: ClockEntry): string {
  const what = kind === 'restore-point' ? JSON.stringify(plainText(name)) : `${kind} of xid ${xid}`
  return `${microsecondText(timeMicroseconds)}  ${lsnOf(start)}  ${what}`
}
