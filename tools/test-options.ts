import { parseArgs } from 'node:util'
import { suiteNames } from './suites.ts'
import type { SuiteName } from './suites.ts'

export interface TestOptions {
  readonly profile: 'full' | 'minimal'
  /** Undefined: everything that the profile has. */
  readonly only: ReadonlySet<SuiteName> | undefined
  readonly seed: number
}

export const usage = `usage: npm test -- [--profile full|minimal] [--only ${suiteNames.join(',')}] [--seed <number>]`

/** Throws an Error with a sentence for the person who typed it. */
export function parseTestOptions(argv: readonly string[], freshSeed: number): TestOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      profile: { type: 'string', default: 'full' },
      only: { type: 'string' },
      seed: { type: 'string', default: String(freshSeed) },
    },
  })
  const { profile } = values
  if (profile !== 'full' && profile !== 'minimal') throw new Error(`there is no profile "${profile}"`)
  const seed = Number(values.seed)
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`"${values.seed}" is not a seed`)
  return { profile, only: values.only === undefined ? undefined : parseNames(values.only), seed }
}

function parseNames(list: string): ReadonlySet<SuiteName> {
  return new Set(
    list.split(',').map((name) => {
      const known = suiteNames.find((suite) => suite === name.trim())
      if (known === undefined) throw new Error(`there is no suite "${name}"`)
      return known
    }),
  )
}
