import type { Estate } from '../../estate/estate.ts'
import type { ReadEstate } from '../../estate/parse-estate.ts'
import type { JudgedObjective } from '../feasibility.ts'
import { milliseconds } from './milliseconds.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'

export interface CheckedEstate {
  readonly file: string
  readonly estate: Estate
  readonly digest: string
  readonly objectives: readonly JudgedObjective[]
  readonly findings: ReadEstate['findings']
}

export function checkText(
  { file, estate, digest, objectives, findings }: CheckedEstate,
  paint: Paint,
): string {
  const { regions, hosts, components } = estate
  return [
    `${plainText(file)} declares ${paint('bold', plainText(estate.name))} (${estate.id}): `,
    `${regions.length} regions, ${hosts.length} hosts, ${components.length} components\n`,
    `digest ${digest}\n`,
    ...objectives.map((objective) => objectiveText(objective, paint)),
    ...findings.map((finding) => findingText(finding, paint)),
  ].join('')
}

function objectiveText(
  { scenario, rpoMs, rtoMs, verdict, reason, change }: JudgedObjective,
  paint: Paint,
): string {
  const word = verdict === 'REFUTED' ? paint('red', verdict) : paint('yellow', verdict)
  const what = `${scenario}: at most ${milliseconds(rpoMs)} lost, back in ${milliseconds(rtoMs)}`
  const next = change === undefined ? '' : `\n    smallest change: ${plainText(change)}`
  return `\n${word} ${what}\n    ${plainText(reason)}${next}\n`
}

function findingText(finding: ReadEstate['findings'][number], paint: Paint): string {
  const word = finding.severity === 'red' ? paint('red', 'red') : paint('yellow', finding.severity)
  return `\n${word} ${plainText(finding.where)}\n    ${plainText(finding.message)}\n`
}
