import type { EvidenceBundle } from '../../evidence/evidence-bundle.ts'
import type { ScenarioVerdict } from '../../evidence/verdict.ts'
import { entryContent } from '../../evidence/evidence-bundle.ts'
import type { Lab } from '../../lab/lab.ts'
import type { Connection } from '../connection.ts'
import type { KeptEvidence } from '../keep-evidence.ts'
import type { Terminal } from '../terminal.ts'

/** What every act works with. */
export interface Demonstration {
  readonly terminal: Terminal
  readonly connection: Connection
  readonly lab: Lab
  readonly seed: number
  readonly say: (line: string) => void
}

/** What is left of one act: its evidence, and where it lies. */
export interface ProvedAct {
  readonly bundle: EvidenceBundle
  readonly files: KeptEvidence
}

/** The verdicts of the scenario that the act put the estate through; about the others its run says nothing. */
export function actVerdicts(bundle: EvidenceBundle): readonly ScenarioVerdict[] {
  const verdicts = entryContent<readonly ScenarioVerdict[]>(bundle, 'verdicts')
  return verdicts.filter(({ scenario }) => scenario === bundle.head.scenario)
}

/** Every objective that is stated for the scenario was met, and there is at least one. */
export function isMet(bundle: EvidenceBundle): boolean {
  const verdicts = actVerdicts(bundle)
  return verdicts.length > 0 && verdicts.every(({ verdict }) => verdict === 'PROVEN')
}
