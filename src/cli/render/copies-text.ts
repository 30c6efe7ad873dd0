import { instantText } from '../../domain/instant.ts'
import type { Estate } from '../../estate/estate.ts'
import type { CaptureView, KeptSnapshot } from '../../ports/kept-copies.ts'
import type { ShownCopies, ShownRule } from '../copies/known-copies.ts'
import { milliseconds } from './milliseconds.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'
import { textTable } from './text-table.ts'

/** What would be lost now, and whether what is kept would do: nobody has to look for an alarm. */
export function copiesText(estate: Estate, shown: readonly ShownCopies[], paint: Paint): string {
  if (shown.length === 0) return ''
  const nameOf = (id: string): string => estate.components.find((one) => one.id === id)?.name ?? id
  const rows = shown.map((one) => [nameOf(one.component), one.host, ...cells(one)])
  const alarms = shown.flatMap((one) => alarmLines(nameOf(one.component), one, paint))
  const columns = [
    'COPIES OF',
    'HOST',
    'PROTECTION',
    'WOULD BE LOST',
    'ARCHIVE TO',
    'SNAPSHOTS',
    'NEWEST',
    'RESTORED',
  ]
  return `${textTable(columns, rows)}${alarms.join('')}\n`
}

function cells({ view, rule }: ShownCopies): readonly string[] {
  if (view === undefined) return Array.from({ length: 6 }, () => 'unknown')
  const { capture, snapshots } = view
  const newest = snapshots.at(-1)
  const archive =
    capture === undefined ? '-' : `${capture.timeline ?? '?'}:${capture.durableLsn ?? 'unknown'}`
  return [
    capture === undefined ? '-' : protection(capture, rule),
    capture === undefined ? '-' : exposure(capture, rule),
    archive,
    view.readAgeMs === undefined ? 'unknown' : String(snapshots.length),
    newest === undefined ? '-' : instantText(newest.takenAtMs),
    view.readAgeMs === undefined ? 'unknown' : restoredText(snapshots),
  ]
}

/** When a snapshot last came back whole, and whether that was the newest one. */
function restoredText(snapshots: readonly KeptSnapshot[]): string {
  const ages = snapshots
    .flatMap(({ id, restorations }) => restorations.map(({ atMs }) => ({ id, atMs })))
    .toSorted((left, right) => left.atMs - right.atMs)
  const last = ages.at(-1)
  if (last === undefined) return snapshots.length === 0 ? '-' : 'never'
  return last.id === snapshots.at(-1)?.id ? instantText(last.atMs) : `${instantText(last.atMs)}, an older one`
}

function protection({ protection, source }: CaptureView, rule: ShownRule | undefined): string {
  const among = rule === undefined || protection.kind !== 'sync' ? '' : ` (${rule.count} of ${rule.of})`
  if (protection.kind !== 'degraded') return `${protection.kind}${among} from ${source ?? '?'}`
  return `degraded since ${instantText(protection.sinceMs)}`
}

/** With the primary, all standbys and their disks. Where a commit waits for some of the names only, it can have done without the archive. */
function exposure({ protection, exposedMs }: CaptureView, rule: ShownRule | undefined): string {
  if (protection.kind === 'sync' && rule?.isEach === true) return 'no acknowledged commit'
  const time = exposedMs === null ? 'unknown time' : `at most ${milliseconds(exposedMs)}`
  return protection.kind === 'streaming' ? `${time}, ${protection.exposedBytes} bytes` : time
}

function alarmLines(
  name: string,
  { host, view, failedRestore }: ShownCopies,
  paint: Paint,
): readonly string[] {
  if (view === undefined) return []
  const { capture, broken, brokenBefore, problems } = view
  const reason = capture?.protection.kind === 'degraded' ? [`degraded: ${capture.protection.reason}`] : []
  const alarms = capture?.alarms ?? []
  const lines: readonly (readonly ['red' | 'yellow', string])[] = [
    ...broken.map((hole) => ['red', `archive gap: ${hole}`] as const),
    ...problems.map((problem) => ['red', `vault: ${problem}`] as const),
    ...(failedRestore === undefined ? [] : [['red', `restore test: ${failedRestore.text}`] as const]),
    ...brokenBefore.map((hole) => ['yellow', `archive gap before the newest snapshot: ${hole}`] as const),
    ...alarms.map((alarm) => ['yellow', `capture: ${alarm}`] as const),
    ...reason.map((text) => ['yellow', text] as const),
  ]
  return lines.map(([style, text]) => `  ${paint(style, `ALARM ${name} on ${host}`)}: ${plainText(text)}\n`)
}
