import type { Plan } from '../domain/plan.ts'
import type { Approval, StandingApproval } from '../engine/approval.ts'
import type { RunRecord } from '../engine/run-event.ts'
import { entryContent, kindOfRun } from './evidence-bundle.ts'
import type { EvidenceBundle, EvidenceEnvironment, PrincipalEntry } from './evidence-bundle.ts'
import { evidencePageStyle } from './evidence-page-style.ts'
import { escapeHtml, htmlTable } from './html.ts'
import type { Measurements } from './measurements.ts'
import { recoveryTimelineSvg } from './recovery-timeline.ts'
import { recoveryPhases } from './recovery-times.ts'
import type { RecoveryTimes } from './recovery-times.ts'
import { runWords } from './run-kind.ts'
import type { ScenarioVerdict } from './verdict.ts'

const banners = {
  real: 'production was changed',
  drill: 'nothing outside the sandbox was meant to change',
  lab: 'a lab on one machine, made to be lost; production was not touched',
} as const

/** A page for people, made from the bundle alone: no script, nothing fetched, nothing that is not escaped. */
export function evidencePage(bundle: EvidenceBundle): string {
  const { head } = bundle
  const kind = kindOfRun(bundle)
  const title = `${runWords[kind]}: ${head.procedure}, ${head.scenario}, ${head.run}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${evidencePageStyle}</style>
</head>
<body class="${kind}">
<p class="banner">${runWords[kind]} ${banners[kind]}</p>
<main>
<h1>${escapeHtml(head.procedure)}</h1>
<p>This page repeats what the bundle says. It proves nothing by itself: verify the bundle with keys that you trust,
<code>pointzero evidence verify</code> or the separate <code>verify.mjs</code>.</p>
${sections(bundle).join('\n')}
</main>
</body>
</html>
`
}

function sections(bundle: EvidenceBundle): readonly string[] {
  const times = entryContent<RecoveryTimes>(bundle, 'recovery-times')
  return [
    headTable(bundle),
    verdictTable(entryContent(bundle, 'verdicts')),
    `<h2>Recovery time</h2>`,
    recoveryTimelineSvg(times),
    timesTable(times),
    measurementTable(entryContent(bundle, 'measurements')),
    approvalTable(
      entryContent(bundle, 'approvals'),
      entryContent(bundle, 'principals'),
      entryContent<readonly RunRecord[]>(bundle, 'journal')[0],
    ),
    stepTable(entryContent(bundle, 'plan'), entryContent(bundle, 'journal')),
    journalTable(entryContent(bundle, 'journal')),
    environmentTable(entryContent(bundle, 'environment')),
  ]
}

function headTable({ head, signature }: EvidenceBundle): string {
  return htmlTable(
    'What this is evidence of',
    ['what', 'value'],
    [
      ['estate', head.estate],
      ['run', head.run],
      ['scenario', head.scenario],
      ['result', head.status],
      ['plan hash', head.planHash],
      ['made', stamp(head.createdAtMs)],
      ['product version', head.productVersion],
      ['signed by', head.signer],
      ['chain', head.chain],
      ['signature', signature],
    ],
  )
}

function lossText({ lostWrites, undoneWrites, measuredRpoMs = 0 }: ScenarioVerdict): string {
  if (lostWrites === undefined) return 'not measured'
  const undone = undoneWrites === undefined ? '' : ` and ${undoneWrites} acknowledged after the target`
  return `${lostWrites} writes${undone}, ${measuredRpoMs} ms`
}

function verdictTable(verdicts: readonly ScenarioVerdict[]): string {
  const rows = verdicts.map((verdict) => [
    verdict.scenario,
    `loss ${verdict.objective.rpoMs} ms, recovery ${verdict.objective.rtoMs} ms`,
    lossText(verdict),
    verdict.measuredRtoMs === undefined ? 'not measured' : `${verdict.measuredRtoMs} ms`,
    verdict.verdict,
    verdict.reason,
    verdict.validUntilMs === undefined ? '' : stamp(verdict.validUntilMs),
  ])
  const columns = [
    'scenario',
    'objective',
    'measured loss',
    'measured recovery',
    'verdict',
    'why',
    'valid until',
  ]
  return htmlTable('Objectives', columns, rows)
}

function timesTable(times: RecoveryTimes): string {
  const rows: (readonly (string | number)[])[] = recoveryPhases.map((phase) => {
    return [phase, times.parts[phase] ?? 'not stamped']
  })
  rows.push(['total', times.totalMs ?? 'not measured'])
  for (const missing of times.missing) rows.push(['missing', missing])
  return htmlTable('Recovery time, in milliseconds', ['part', 'ms'], rows)
}

function measurementTable(measured: Measurements): string {
  const { writes, transition, total } = measured
  return htmlTable(
    'What clients saw, recomputed from their logs',
    ['what', 'value'],
    [
      ['acknowledged writes', writes.acknowledged],
      ['found afterwards', writes.found],
      ['lost', writes.lost],
      ['present more than once', writes.duplicated],
      ['outcome unknown to the client', writes.unknown],
      ['requests in the transition', `${transition.failed} of ${transition.requests} failed`],
      ['requests in total', `${total.failed} of ${total.requests} failed`],
      ...measured.invariants.map(({ name, holds, detail }) => [
        name,
        `${holds ? 'holds' : 'BROKEN'}: ${detail}`,
      ]),
      ...measured.clientLogs.map(({ name, sha256, lines }) => [
        `log ${name}`,
        `${lines} lines, SHA-256 ${sha256}`,
      ]),
    ],
  )
}

function approvalTable(
  found: { readonly approvals: readonly Approval[]; readonly standing: readonly StandingApproval[] },
  principals: readonly PrincipalEntry[],
  first: RunRecord | undefined,
): string {
  const declared = first?.event.type === 'opened' ? first.event.declared : undefined
  const who = (id: string): string => {
    const known = principals.find((principal) => principal.id === id)
    return known === undefined ? id : `${known.name} (${id}, key ${known.keyFingerprint})`
  }
  return htmlTable(
    'Approvals',
    ['approver', 'of', 'issued', 'expires'],
    [
      ...found.approvals.map((yes) => [who(yes.approver), `this plan: ${yes.reason}`, ...span(yes)]),
      ...found.standing.map((yes) => [
        who(yes.approver),
        `standing: ${yes.procedure} in ${yes.scope}`,
        ...span(yes),
      ]),
      ...(declared === undefined
        ? []
        : [['nobody: the estate', `declares it: ${declared.declaration}`, '', '']]),
    ],
  )
}

function span(yes: { readonly issuedAtMs: number; readonly expiresAtMs: number }): readonly string[] {
  return [stamp(yes.issuedAtMs), stamp(yes.expiresAtMs)]
}

function stepTable(plan: Plan, journal: readonly RunRecord[]): string {
  const rows = plan.steps.map((step) => {
    const last = journal.findLast(({ event }) => event.type === 'outcome' && event.step === step.id)?.event
    const result = last?.type === 'outcome' ? last.result : 'not performed'
    return [step.id, step.action, step.phase, step.proves, result]
  })
  return htmlTable('Plan', ['step', 'action', 'part', 'done means', 'result'], rows)
}

function journalTable(journal: readonly RunRecord[]): string {
  const rows = journal.map(({ seq, atMs, writer, event }) => {
    const shown = event.type === 'opened' ? { type: event.type, requestedBy: event.requestedBy } : event
    return [seq, stamp(atMs), writer, event.type, JSON.stringify(shown)]
  })
  return `<details><summary>Run journal, ${journal.length} records</summary>
${htmlTable('Run journal', ['seq', 'at', 'writer', 'type', 'record'], rows)}</details>`
}

function environmentTable(environment: EvidenceEnvironment): string {
  return htmlTable(
    'Measured in',
    ['what', 'value'],
    [
      ['product', environment.productVersion],
      ['Node', environment.node],
      ['platform', environment.platform],
      ['place', environment.place ?? 'not stated to be a lab'],
      ...Object.entries(environment.servers),
      ...Object.entries(environment.load),
    ],
  )
}

/** Wall milliseconds as people read them, in UTC wherever the page is made. */
function stamp(wallMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(wallMs).toString({ smallestUnit: 'millisecond' })
}
