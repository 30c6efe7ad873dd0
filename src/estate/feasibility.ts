import type { Scenario } from '../domain/scenario.ts'
import { scenarios } from '../domain/scenario.ts'
import { canRecover } from './built-recoveries.ts'
import { formatDuration } from './duration.ts'
import type { Component, Estate, Objective } from './estate.ts'
import { factsJudgement } from './facts-judgement.ts'
import { judgeRecoveryPoint } from './recovery-point.ts'
import { recoveryTimeFloors } from './recovery-time-floors.ts'
import { judgeRecoveryTime } from './recovery-time.ts'
import { estateMap } from './survivors.ts'
import type { EvidenceByComponent, EvidenceSummary, Judgement, Known, Verdict } from './verdict.ts'
import { weighEvidence } from './weigh-evidence.ts'

/**
 * One verdict for each objective, scenario and component; pure. Arithmetic refutes, a drill that measured too much refutes, evidence
 * that is fresh and large enough proves, everything else is unproven.
 */
export function assess(estate: Estate, known: Known = {}): readonly Verdict[] {
  const map = estateMap(estate)
  const evidence: EvidenceByComponent = Map.groupBy(known.evidence ?? [], ({ component }) => component)
  const objectives = objectivesByScenario(estate.objectives)
  const excluded = excludedComponents(estate, known.nowMs)
  return scenarios.flatMap((scenario) => {
    const { specific, general } = objectives(scenario)
    if (specific.size === 0 && general === undefined) return []
    const floors = recoveryTimeFloors(map, scenario, evidence)
    return estate.components.flatMap((component) => {
      const objective = specific.get(component.name) ?? general
      if (objective === undefined || excluded.has(component.name)) return []
      const seen = evidence.get(component.name) ?? []
      const conclude = (kind: 'rpo' | 'rto', targetMs: number, judgement: Judgement | undefined) =>
        judgement === undefined
          ? []
          : [conclusion({ component, scenario, kind, targetMs, judgement, seen, nowMs: known.nowMs })]
      const point = judgeRecoveryPoint(map, component, scenario, objective.rpoMs)
      const voided = point && factsJudgement(component, scenario, objective.rpoMs, known.facts)
      return [
        ...conclude('rpo', objective.rpoMs, point?.refuted === true ? point : (voided ?? point)),
        ...conclude(
          'rto',
          objective.rtoMs,
          judgeRecoveryTime({ map, component, scenario }, floors.get(component.name), objective.rtoMs),
        ),
      ]
    })
  })
}

interface Case {
  readonly component: Component
  readonly scenario: Scenario
  readonly kind: 'rpo' | 'rto'
  readonly targetMs: number
  readonly judgement: Judgement
  readonly seen: readonly EvidenceSummary[]
  readonly nowMs: number | undefined
}

function conclusion({ component, scenario, kind, targetMs, judgement, seen, nowMs }: Case): Verdict {
  const recoverable = canRecover(component.kind, scenario)
  const base = { scenario, component: component.name, objective: kind, targetMs, recoverable }
  const change = judgement.smallestChange === undefined ? {} : { smallestChange: judgement.smallestChange }
  if (judgement.refuted) return { ...base, verdict: 'REFUTED', why: judgement.why, ...change }
  if (!recoverable) {
    const why = `not yet recoverable: this version has no procedure for ${scenario} of ${component.kind}; ${judgement.why}`
    return { ...base, verdict: 'UNPROVEN', why, ...change }
  }
  const weighed = weighEvidence({ component, scenario, kind, targetMs, evidence: seen, nowMs })
  if (weighed === undefined) return { ...base, verdict: 'UNPROVEN', why: judgement.why, ...change }
  return { ...base, ...weighed }
}

/** An objective that names a component counts before one for all. */
function objectivesByScenario(objectives: readonly Objective[]) {
  return (scenario: Scenario) => {
    const own = objectives.filter((objective) => objective.scenario === scenario)
    const specific = new Map(
      own.flatMap((objective) => (objective.components ?? []).map((name) => [name, objective] as const)),
    )
    return { specific, general: own.find(({ components }) => components === undefined) }
  }
}

/** An exclusion ends on its day; without a clock none has ended. */
export function excludedComponents(estate: Estate, nowMs: number | undefined): ReadonlySet<string> {
  const today =
    nowMs === undefined ? '' : Temporal.Instant.fromEpochMilliseconds(nowMs).toString().slice(0, 10)
  return new Set(
    (estate.exclusions ?? []).filter(({ expires }) => expires > today).map(({ component }) => component),
  )
}

/** For people: `RPO PT0S`. */
export function objectiveLabel({ objective, targetMs }: Pick<Verdict, 'objective' | 'targetMs'>): string {
  return `${objective.toUpperCase()} ${formatDuration(targetMs)}`
}
