import type { Scenario } from '../domain/scenario.ts'
import type { RunStatus } from '../engine/run-event.ts'
import type { Measurements, UndoneWrites } from './measurements.ts'
import type { RecoveryTimes } from './recovery-times.ts'

export type Verdict = 'PROVEN' | 'UNPROVEN' | 'REFUTED'

export interface StatedObjective {
  readonly scenario: Scenario
  readonly rpoMs: number
  readonly rtoMs: number
}

/** At which size and load the numbers were measured: a drill of 1 GB proves nothing about 1 TB. */
export interface Scale {
  readonly databaseBytes: string
  readonly writesPerSecond: number
  readonly members: number
}

export interface ScenarioVerdict {
  readonly scenario: Scenario
  readonly objective: { readonly rpoMs: number; readonly rtoMs: number }
  readonly verdict: Verdict
  readonly reason: string
  readonly measuredRpoMs?: number
  readonly lostWrites?: number
  /** Acknowledged after the recovery target, and therefore undone. Only after a corruption. */
  readonly undoneWrites?: number
  readonly measuredRtoMs?: number
  readonly measuredAtMs?: number
  /** Afterwards the verdict reads UNPROVEN, whatever it says here. */
  readonly validUntilMs?: number
  readonly scale?: Scale
}

export interface MeasuredRun {
  readonly scenario: Scenario | 'none'
  readonly status: RunStatus | 'open'
  readonly measurements: Measurements
  readonly times: RecoveryTimes
  readonly measuredAtMs: number
  readonly scale?: Scale
}

/** A quarter and a fortnight: the required rhythm of regional drills, with time to repeat one. */
const validForMs = 106 * 24 * 3_600_000

/** One verdict for each stated objective. `infeasible` names scenarios that the declared topology can not meet, each with why. */
export function judgeObjectives(
  objectives: readonly StatedObjective[],
  run: MeasuredRun,
  infeasible: Readonly<Partial<Record<Scenario, string>>> = {},
): readonly ScenarioVerdict[] {
  return objectives.map(({ scenario, rpoMs, rtoMs }) => {
    const objective = { rpoMs, rtoMs }
    if (scenario === run.scenario) return { scenario, objective, ...judgeRun(objective, run) }
    const why = infeasible[scenario]
    if (why !== undefined) return { scenario, objective, verdict: 'REFUTED', reason: `by design: ${why}` }
    return { scenario, objective, verdict: 'UNPROVEN', reason: 'this run measured another scenario' }
  })
}

function judgeRun(
  objective: ScenarioVerdict['objective'],
  run: MeasuredRun,
): Omit<ScenarioVerdict, 'scenario' | 'objective'> {
  const { measurements, times, measuredAtMs } = run
  const measured = {
    measuredRpoMs: Math.max(measurements.lossMs, measurements.undone?.spanMs ?? 0),
    lostWrites: measurements.writes.lost,
    ...(measurements.undone === undefined ? {} : { undoneWrites: measurements.undone.writes }),
    ...(times.totalMs === undefined ? {} : { measuredRtoMs: times.totalMs }),
    measuredAtMs,
    validUntilMs: measuredAtMs + validForMs,
    ...(run.scale === undefined ? {} : { scale: run.scale }),
  }
  return { ...verdictOf(objective, run), ...measured }
}

function verdictOf(
  { rpoMs, rtoMs }: ScenarioVerdict['objective'],
  { scenario, status, measurements, times }: MeasuredRun,
): { readonly verdict: Verdict; readonly reason: string } {
  const { writes, undone, lossMs, invariants } = measurements
  const broken = invariants.find(({ holds }) => !holds)
  if (status === 'open') return { verdict: 'UNPROVEN', reason: 'the run has not finished' }
  if (status !== 'completed' && status !== 'completed-with-gaps') return refuted(`the run ended ${status}`)
  if (broken !== undefined) return refuted(`${broken.name} does not hold: ${broken.detail}`)
  if (writes.lost > 0 && rpoMs === 0)
    return refuted(`${writes.lost} acknowledged writes are lost, the objective is none`)
  if (lossMs > rpoMs) return refuted(`writes of ${lossMs} ms are lost, the objective is ${rpoMs} ms`)
  if (undone !== undefined && writes.lost > 0)
    return refuted(`${writes.lost} acknowledged writes of the time before the corruption are lost`)
  if (scenario === 'corruption' && rpoMs === 0)
    return { verdict: 'UNPROVEN', reason: `${undoneText(undone)}: nothing replays them yet` }
  if (undone !== undefined && undone.spanMs > rpoMs)
    return refuted(`${undoneText(undone)} over ${undone.spanMs} ms, the objective is ${rpoMs} ms`)
  if (writes.acknowledged === 0)
    return { verdict: 'UNPROVEN', reason: 'no client write was acknowledged, nothing was at stake' }
  if (times.totalMs === undefined) return { verdict: 'UNPROVEN', reason: times.missing.join('; ') }
  if (times.totalMs > rtoMs) return refuted(`recovered in ${times.totalMs} ms, the objective is ${rtoMs} ms`)
  const after = undone === undefined ? '' : `, ${undoneText(undone)}`
  const gaps = status === 'completed-with-gaps' ? ', with gaps that the run journal names' : ''
  return {
    verdict: 'PROVEN',
    reason: `${writes.found} of ${writes.acknowledged} acknowledged writes found${after}, recovered in ${times.totalMs} ms${gaps}`,
  }
}

function undoneText(undone: UndoneWrites | undefined): string {
  return `${undone?.writes ?? 0} acknowledged writes of the time after the target are undone`
}

function refuted(reason: string): { readonly verdict: Verdict; readonly reason: string } {
  return { verdict: 'REFUTED', reason }
}

/** What a recorded verdict is worth at `nowMs`. */
export function verdictNow(
  recorded: ScenarioVerdict,
  nowMs: number,
): Pick<ScenarioVerdict, 'verdict' | 'reason'> {
  const { verdict, reason, validUntilMs } = recorded
  if (verdict !== 'PROVEN' || validUntilMs === undefined || nowMs <= validUntilMs) return { verdict, reason }
  return { verdict: 'UNPROVEN', reason: `the evidence is too old: ${reason}` }
}
