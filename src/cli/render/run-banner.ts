import type { RunKind } from '../../evidence/run-kind.ts'
import type { Paint } from './paint.ts'

/** Nobody may take one for the other: word, frame and colour differ. */
export function runBanner(kind: RunKind, what: string, paint: Paint): string {
  switch (kind) {
    case 'drill':
      return paint('cyan', `----- DRILL ----- ${what} ----- nothing outside the sandbox may change -----\n`)
    case 'lab':
      return paint('yellow', `===== LAB ===== ${what} ===== a lab on this machine, made to be lost =====\n`)
    case 'real':
      return paint('red', `##### REAL ##### ${what} ##### this changes production #####\n`)
  }
}
