import { seededRandom } from '../../../src/lab/seeded-random.ts'
import type { Labels } from './boundary.ts'

/** `full` runs every boundary; otherwise those beside what can not be undone, and a seeded sample of the rest. */
const isFull = process.env['POINTZERO_CRASH_MATRIX'] === 'full'
export const matrixSeed = Number(process.env['POINTZERO_CRASH_SEED'] ?? Date.now() % 1_000_000)

/** An intent that is durable and whose effect may or may not have happened, and the leader record itself. */
const pivotal = /^(before|after) (intent:(claim|promote)|leader|outcome:promote)$/

/** `before intent:promote`; a transaction is named after the first thing that it wrote. */
export function chosenBoundaries(transactions: readonly Labels[], sample: number): readonly string[] {
  const all = transactions.flatMap(([label = '']) => [`before ${label}`, `after ${label}`])
  if (isFull) return all
  const random = seededRandom(matrixSeed)
  const rest = all
    .filter((boundary) => !pivotal.test(boundary))
    .map((boundary) => ({ boundary, place: random.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .slice(0, sample)
    .map(({ boundary }) => boundary)
  return all.filter((boundary) => pivotal.test(boundary) || rest.includes(boundary))
}
