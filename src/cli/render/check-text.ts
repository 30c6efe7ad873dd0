import type { Estate } from '../../estate/estate.ts'
import type { ReadEstate } from '../../estate/parse-estate.ts'
import { objectiveLabel } from '../../estate/feasibility.ts'
import type { Timetable } from '../../estate/timetable.ts'
import type { Verdict } from '../../estate/verdict.ts'
import type { Paint } from './paint.ts'
import { plainText } from './plain-text.ts'
import { staleReadsText } from './stale-reads-text.ts'
import { declaredTimesText } from './timetable-text.ts'

export interface CheckedEstate {
  readonly file: string
  readonly estate: Estate
  readonly digest: string
  readonly objectives: readonly Verdict[]
  readonly findings: ReadEstate['findings']
  /** Of each cluster; null: without bound. */
  readonly staleReads: readonly StaleReads[]
  readonly timetable: Timetable
}

interface StaleReads {
  readonly component: string
  readonly name: string
  readonly fenceMs: number
  readonly boundMs: number | null
}

export function checkText(
  { file, estate, digest, objectives, findings, staleReads, timetable }: CheckedEstate,
  paint: Paint,
): string {
  const { regions, hosts, components } = estate
  return [
    `${plainText(file)} declares ${paint('bold', plainText(estate.name))} (${estate.id}): `,
    `${regions.length} regions, ${hosts.length} hosts, ${components.length} components\n`,
    `digest ${digest}\n`,
    ...staleReads.map(({ name, boundMs }) => `${plainText(name)}: ${staleReadsText(boundMs)}\n`),
    declaredTimesText(timetable, estate),
    ...objectives.map((objective) => objectiveText(objective, paint)),
    ...findings.map((finding) => findingText(finding, paint)),
  ].join('')
}

const styles = { REFUTED: 'red', UNPROVEN: 'yellow', PROVEN: 'green' } as const

function objectiveText(judged: Verdict, paint: Paint): string {
  const { scenario, component, verdict, why, smallestChange } = judged
  const what = `${scenario} of ${plainText(component)}, ${objectiveLabel(judged)}`
  const next = smallestChange === undefined ? '' : `\n    next: ${plainText(smallestChange)}`
  return `\n${paint(styles[verdict], verdict)} ${what}\n    ${plainText(why)}${next}\n`
}

function findingText(finding: ReadEstate['findings'][number], paint: Paint): string {
  const word = finding.severity === 'red' ? paint('red', 'red') : paint('yellow', finding.severity)
  return `\n${word} ${plainText(finding.where)}\n    ${plainText(finding.message)}\n`
}
