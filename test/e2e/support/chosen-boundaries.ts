import { seededRandom } from '../../../src/lab/seeded-random.ts'

/** `full` runs every boundary; otherwise those beside what can not be undone, and a seeded sample of the rest. */
export const isFull = process.env['POINTZERO_CRASH_MATRIX'] === 'full'
/** How many of the full ones are passed over: for going on where a run of it ended. */
const passedOver = Number(process.env['POINTZERO_CRASH_FROM'] ?? 0)
export const matrixSeed = Number(process.env['POINTZERO_CRASH_SEED'] ?? Date.now() % 1_000_000)

/** An intent that is durable and whose effect may or may not have happened, and the leader record itself. */
const pivotal = /^(before|after) (intent:(claim|promote)|leader|outcome:promote)$/

/** In the order of the run. */
export function chosenBoundaries(all: readonly string[], sample: number): readonly string[] {
  if (isFull) return all.slice(passedOver)
  const random = seededRandom(matrixSeed)
  const rest = all
    .filter((boundary) => !pivotal.test(boundary))
    .map((boundary) => ({ boundary, place: random.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .slice(0, sample)
    .map(({ boundary }) => boundary)
  return all.filter((boundary) => pivotal.test(boundary) || rest.includes(boundary))
}
