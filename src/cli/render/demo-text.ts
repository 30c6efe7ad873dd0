import { entryContent } from '../../evidence/evidence-bundle.ts'
import type { EvidenceBundle } from '../../evidence/evidence-bundle.ts'
import type { ScenarioVerdict } from '../../evidence/verdict.ts'
import { evidenceText } from './evidence-text.ts'
import type { KeptEvidence } from '../keep-evidence.ts'
import type { Paint } from './paint.ts'

/** The end of the demonstration: what was measured, whether it is enough, and how anybody can check it. */
export function demoText(bundle: EvidenceBundle, files: KeptEvidence, nowMs: number, paint: Paint): string {
  const verdicts = entryContent<readonly ScenarioVerdict[]>(bundle, 'verdicts')
  const isMet = verdicts.every(({ verdict }) => verdict === 'PROVEN')
  return [
    '\n',
    evidenceText(bundle, nowMs, paint),
    `evidence    ${files.bundle}\n`,
    `page        ${files.page}\n`,
    `verify      node tools/evidence-verifier/verify.mjs --keys ${files.keys} ${files.bundle}\n`,
    isMet ? paint('green', '\nEvery objective was met.\n') : paint('red', '\nNOT every objective was met.\n'),
  ].join('')
}
