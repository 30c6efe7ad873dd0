import { entryContent, kindOfRun } from '../../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../../evidence/evidence-bundle.ts'
import type { Measurements } from '../../evidence/measurements.ts'
import type { ScenarioVerdict } from '../../evidence/verdict.ts'
import { actVerdicts, isMet } from '../demonstration/demonstration.ts'
import type { ProvedAct } from '../demonstration/demonstration.ts'
import { measurementText, recoveryTimeTable, scaleText, verdictTable } from './evidence-text.ts'
import type { Paint } from './paint.ts'
import { runBanner } from './run-banner.ts'

/** The end of the demonstration: one table of what was measured and whether it is enough, the figures of each act, and how anybody can check them. */
export function demoText(proved: readonly ProvedAct[], nowMs: number, paint: Paint): string {
  const allMet = proved.every(({ bundle }) => isMet(bundle))
  const verdicts = proved.flatMap(({ bundle }) => actVerdicts(bundle))
  return [
    '\n',
    verdictTable(verdicts, nowMs, paint),
    ...proved.map((act) => actText(act, paint)),
    ...proved.flatMap(({ bundle }) => caveat(actVerdicts(bundle))),
    allMet
      ? paint('green', '\nEvery objective was met.\n')
      : paint('red', '\nNOT every objective was met.\n'),
  ].join('')
}

function actText({ bundle, files }: ProvedAct, paint: Paint): string {
  const { head } = bundle
  return [
    '\n',
    runBanner(kindOfRun(bundle), `${head.procedure} (${head.scenario}), ${head.run}`, paint),
    recoveryTimeTable(entryContent(bundle, 'recovery-times')),
    measurementText(entryContent<Measurements>(bundle, 'measurements')),
    scaleText(entryContent(bundle, 'verdicts')),
    `plan hash   ${head.planHash}\nsigned by   ${head.signer}\nresult      ${head.status}\n`,
    `evidence    ${files.bundle}\n`,
    `page        ${files.page}\n`,
    `verify      node tools/evidence-verifier/verify.mjs --keys ${files.keys} ${files.bundle}\n`,
  ].join('')
}

/** A corruption's recovery loses what came after it: that is within the stated objective or not, and never nothing. */
function caveat(verdicts: readonly ScenarioVerdict[]): readonly string[] {
  const undone = verdicts.find(({ undoneWrites }) => undoneWrites !== undefined)
  if (undone === undefined) return []
  return [
    `\nRPO 0 for a corruption stays UNPROVEN: ${undone.undoneWrites} acknowledged writes of the time after the target are undone; `,
    'their rows are exported where they still were, and nothing replays them yet.\n',
  ]
}

/** One line for programs. */
export function demoJson(proved: readonly ProvedAct[]): string {
  const runs = proved.map(({ bundle, files }) => ({
    head: bundle.head,
    verdicts: actVerdicts(bundle),
    times: content(bundle, 'recovery-times'),
    measurements: content(bundle, 'measurements'),
    files,
  }))
  return `${JSON.stringify({ objectivesMet: proved.every(({ bundle }) => isMet(bundle)), runs })}\n`
}

function content(bundle: EvidenceBundle, name: 'recovery-times' | 'measurements'): object {
  return entryContent<object>(bundle, name)
}
