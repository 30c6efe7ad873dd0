import type { Plan } from '../../domain/plan.ts'
import type { Paint } from './paint.ts'

/** Nobody may take one for the other: word, frame and colour differ. */
export function runBanner(mode: Plan['mode'], what: string, paint: Paint): string {
  if (mode === 'drill')
    return paint('cyan', `----- DRILL ----- ${what} ----- nothing outside the sandbox may change -----\n`)
  return paint('red', `##### REAL ##### ${what} ##### this changes production #####\n`)
}
