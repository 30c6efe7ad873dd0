// Goes on with a recovery from wherever it stands, until it is installed or killed. For tests only: node recovery-program.ts <file of JSON>
import { readFileSync } from 'node:fs'
import type { RecoveryGoal } from '../../src/ports/database-recovery.ts'
import { recoverTo, recoveryAt } from './recovery-place.ts'
import type { RecoveryPlaces } from './recovery-place.ts'

interface Order {
  readonly places: RecoveryPlaces
  readonly run: string
  readonly goal: RecoveryGoal
}

const { places, run, goal } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Order
await recoverTo(recoveryAt(places), run, goal)
process.exit(0)
