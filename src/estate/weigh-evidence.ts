import type { Scenario } from '../domain/scenario.ts'
import { formatDuration } from './duration.ts'
import type { Component } from './estate.ts'
import type { EvidenceSummary, Verdict } from './verdict.ts'

interface Question {
  readonly component: Component
  readonly scenario: Scenario
  readonly kind: 'rpo' | 'rto'
  readonly targetMs: number
  readonly evidence: readonly EvidenceSummary[]
  readonly nowMs: number | undefined
}

type Weighed = Pick<Verdict, 'verdict' | 'why' | 'smallestChange'>

/** What the newest drill of this component and scenario says. Undefined: there is none. */
export function weighEvidence(question: Question): Weighed | undefined {
  const { component, scenario, kind, targetMs } = question
  const [newest] = question.evidence
    .filter((candidate) => candidate.scenario === scenario)
    .toSorted((left, right) => right.endedAtMs - left.endedAtMs)
  if (newest === undefined) return undefined
  const again = `drill ${scenario} of ${component.name} again`
  const flaw = flawOf(newest, question)
  if (flaw !== undefined)
    return { verdict: 'UNPROVEN', why: `${newest.bundle} does not count: ${flaw}`, smallestChange: again }
  const measuredMs = kind === 'rpo' ? newest.rpoMs : newest.rtoMs
  const measured = `${newest.bundle} measured ${formatDuration(measuredMs)}`
  if (measuredMs <= targetMs) return { verdict: 'PROVEN', why: measured }
  const why = `${measured}, ${formatDuration(targetMs)} are allowed`
  return {
    verdict: 'REFUTED',
    why,
    smallestChange: `shorten what took longest in ${newest.bundle}, then ${again}`,
  }
}

function flawOf(evidence: EvidenceSummary, { component, nowMs }: Question): string | undefined {
  if (evidence.outcome !== 'passed') return `it is ${evidence.outcome}`
  if (evidence.voidBecause !== undefined) return evidence.voidBecause
  if (nowMs === undefined) return 'its age is unknown without the time'
  if (evidence.endedAtMs > nowMs) return 'it is dated in the future'
  if (nowMs >= evidence.expiresAtMs) return `it expired ${formatDuration(nowMs - evidence.expiresAtMs)} ago`
  const { sizeBytes } = component
  if (sizeBytes === undefined) return undefined
  if (evidence.sizeBytes === undefined) return 'it does not say how much data it ran with'
  return sizeBytes > evidence.sizeBytes * 2
    ? 'the data is more than twice as large as in the drill'
    : undefined
}
