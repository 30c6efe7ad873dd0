import type { CommandContext } from './command-context.ts'
import type { SimulateOptions } from './commands/simulate.ts'
import { exitCodes } from './exit-code.ts'
import { paintFor } from './render/paint.ts'
import type { Paint } from './render/paint.ts'
import { describeFailure } from '../simulation/simulate-many.ts'
import { simulateSeed } from '../simulation/simulate.ts'
import type { SeedResult } from '../simulation/simulate.ts'
import type { SimulationOptions } from '../simulation/simulation-options.ts'
import { usageError } from './usage-error.ts'

/** One line a seed. A failing seed ends with the one command that replays it. */
export async function simulate({ terminal, end }: CommandContext, options: SimulateOptions): Promise<void> {
  const [first, last] = range(options)
  const given = givenOptions(options.options)
  const paint = paintFor(terminal)
  let failed = 0
  for (let seed = first; seed <= last && !terminal.stop.aborted; seed += 1) {
    const result = await simulateSeed(seed, given)
    if (result.failure !== undefined) failed += 1
    if (options.json === true) terminal.write(`${JSON.stringify({ type: 'seed', ...result })}\n`)
    else terminal.write(seedText(result, paint))
  }
  if (failed > 0) end(exitCodes.failed)
  const seeds = last - first + 1
  if (options.json === true) terminal.write(`${JSON.stringify({ type: 'result', seeds, failed })}\n`)
  else terminal.write(`${seeds} seeds, ${failed} failed\n`)
}

function range({ seed, seeds }: SimulateOptions): readonly [number, number] {
  const text = seed ?? seeds
  const number = Number(text)
  if (!/^\d{1,15}$/.test(text) || number < 1)
    throw usageError(`${text} is not a number from 1`, '`pointzero simulate --seed 7`')
  return seed === undefined ? [1, number] : [number, number]
}

function givenOptions(text: string | undefined): Partial<SimulationOptions> {
  if (text === undefined) return {}
  try {
    return JSON.parse(text) as Partial<SimulationOptions>
  } catch {
    throw usageError('--options is not JSON', '`pointzero simulate --seed 7 --options \'{"faults":[]}\'`')
  }
}

function seedText(result: SeedResult, paint: Paint): string {
  const { seed, events, virtualMs, failure } = result
  const what = `seed ${seed}: ${events} events in ${(virtualMs / 1_000).toFixed(1)} s of virtual time`
  if (failure === undefined) return `${paint('green', 'ok    ')} ${what}\n`
  return `${paint('red', 'FAILED')} ${what}\n${describeFailure(result)}\n`
}
