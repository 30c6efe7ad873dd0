// Used by tools/mutants.ts: lives seeds until one fails, and names the invariant. Ends with 0 when none does.
import { simulateMany } from '../src/simulation/simulate-many.ts'

const seeds = Number(process.argv[2])
process.on('uncaughtException', (error) => endWith(`crash: ${error.message.split('\n')[0]}`))

const { failures, counters } = await simulateMany(1, seeds, {}, 1)
const [first] = failures
if (first?.failure !== undefined) endWith(`seed ${first.seed}: ${first.failure.message.split('\n')[0]}`)
if ((counters['log:fencing:isolated'] ?? 0) === 0) endWith('never reached: log:fencing:isolated')

function endWith(sentence: string): never {
  process.stdout.write(`${sentence}\n`)
  process.exit(1)
}
