import type { Plan } from '../domain/plan.ts'

/** How a run is shown: a drill, a real run in a lab, or a real run. The last one alone changes production. */
export type RunKind = Plan['mode'] | 'lab'

/** `place` says where it ran, as whoever measured knows it; a drill stays a drill everywhere. */
export function runKind(mode: Plan['mode'], place: 'lab' | undefined): RunKind {
  return mode === 'real' && place === 'lab' ? 'lab' : mode
}

/** The word that stands in front of everything that such a run prints. Colour never says it alone. */
export const runWords: Readonly<Record<RunKind, 'REAL' | 'DRILL' | 'LAB'>> = {
  real: 'REAL',
  drill: 'DRILL',
  lab: 'LAB',
}
