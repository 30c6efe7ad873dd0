/** How often things are killed at random moments, all tests together: `POINTZERO_KILL_ROUNDS`, or what fits beside the other tests. */
export const killRounds = Number(process.env['POINTZERO_KILL_ROUNDS'] ?? 24)

/** Prints it with the one variable that replays the same choices. */
export function printedSeed(): number {
  const seed = Number(process.env['POINTZERO_SEED'] ?? Date.now() % 1_000_000)
  console.log(
    `seed ${seed}: POINTZERO_SEED=${seed} POINTZERO_KILL_ROUNDS=${killRounds} chooses the same kills`,
  )
  return seed
}
