import { entryContent, kindOfRun } from '../../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../../evidence/evidence-bundle.ts'
import { recoveryPhases } from '../../evidence/recovery-times.ts'
import type { RecoveryTimes } from '../../evidence/recovery-times.ts'
import { verdictNow } from '../../evidence/verdict.ts'
import type { ScenarioVerdict } from '../../evidence/verdict.ts'
import type { Measurements } from '../../evidence/measurements.ts'
import { milliseconds } from './milliseconds.ts'
import type { Paint } from './paint.ts'
import { runBanner } from './run-banner.ts'
import { textTable } from './text-table.ts'

/** What a bundle says, with each verdict as it stands now. */
export function evidenceText(bundle: EvidenceBundle, nowMs: number, paint: Paint): string {
  const { head } = bundle
  const measured = entryContent<Measurements>(bundle, 'measurements')
  return [
    runBanner(kindOfRun(bundle), `${head.procedure} (${head.scenario}), ${head.run}`, paint),
    verdictTable(entryContent(bundle, 'verdicts'), nowMs, paint),
    '\n',
    recoveryTimeTable(entryContent(bundle, 'recovery-times')),
    '\n',
    measurementText(measured),
    scaleText(entryContent(bundle, 'verdicts')),
    `plan hash   ${head.planHash}\nsigned by   ${head.signer}\nresult      ${head.status}\n`,
  ].join('')
}

function lossText({ lostWrites, undoneWrites, measuredRpoMs = 0 }: ScenarioVerdict): string {
  if (lostWrites === undefined) return '-'
  const undone = undoneWrites === undefined ? '' : ` + ${undoneWrites} after the target`
  return `${lostWrites} writes${undone}, ${milliseconds(measuredRpoMs)}`
}

export function verdictTable(verdicts: readonly ScenarioVerdict[], nowMs: number, paint: Paint): string {
  const rows = verdicts.map((recorded) => {
    const { verdict, reason } = verdictNow(recorded, nowMs)
    return [
      recorded.scenario,
      `${milliseconds(recorded.objective.rpoMs)} / ${milliseconds(recorded.objective.rtoMs)}`,
      lossText(recorded),
      recorded.measuredRtoMs === undefined ? '-' : milliseconds(recorded.measuredRtoMs),
      verdict,
      reason,
    ]
  })
  const columns = ['SCENARIO', 'OBJECTIVE RPO / RTO', 'MEASURED LOSS', 'MEASURED TIME', 'VERDICT', 'WHY']
  return textTable(columns, rows)
    .replaceAll(/ PROVEN(?= |$)/gm, (word) => paint('green', word))
    .replaceAll(/ REFUTED(?= |$)/gm, (word) => paint('red', word))
}

export function recoveryTimeTable(times: RecoveryTimes): string {
  const cells = recoveryPhases.map((phase) => {
    const part = times.parts[phase]
    return part === undefined ? 'not stamped' : milliseconds(part)
  })
  const total = times.totalMs === undefined ? 'not measured' : milliseconds(times.totalMs)
  const columns = [...recoveryPhases.map((phase) => phase.toUpperCase()), 'TOTAL']
  return textTable(columns, [[...cells, total]])
}

export function measurementText({ writes, undone, transition, total, invariants }: Measurements): string {
  return [
    `writes      ${writes.acknowledged} acknowledged, ${writes.found} found, ${writes.lost} lost, `,
    `${writes.duplicated} duplicated, ${writes.unknown} of unknown outcome\n`,
    ...(undone === undefined
      ? []
      : [
          `undone      ${undone.writes} acknowledged after the recovery target, over ${milliseconds(undone.spanMs)}\n`,
        ]),
    `transition  ${transition.failed} of ${transition.requests} requests failed (${percent(transition)})\n`,
    `all         ${total.failed} of ${total.requests} requests failed (${percent(total)})\n`,
    ...invariants.map(invariantLine),
  ].join('')
}

export function scaleText(verdicts: readonly ScenarioVerdict[]): string {
  const scale = verdicts.find((verdict) => verdict.scale !== undefined)?.scale
  if (scale === undefined) return 'scale       not measured\n'
  const { databaseBytes, writesPerSecond, members } = scale
  const megabytes = (Number(databaseBytes) / 1_000_000).toFixed(1)
  return `scale       ${megabytes} MB, ${writesPerSecond} acknowledged writes a second, ${members} members\n`
}

function invariantLine({ name, holds, detail }: Measurements['invariants'][number]): string {
  return `invariant   ${holds ? 'holds ' : 'BROKEN'} ${name}${detail === '' ? '' : `: ${detail}`}\n`
}

function percent({ requests, failed }: { readonly requests: number; readonly failed: number }): string {
  return requests === 0 ? 'no requests' : `${((failed / requests) * 100).toFixed(2)} %`
}
