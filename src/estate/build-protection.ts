import type { z } from 'zod'
import { ms, named, present } from './declared-value.ts'
import type { protectionSchema } from './protection-schema.ts'
import type { Interval, Protection } from './protection.ts'

export function buildProtection(declared: z.output<typeof protectionSchema>): Protection {
  const { captures, backups, verification } = declared
  return {
    captures: named(captures, (name, { maxLag, keep, ...capture }) => ({
      name,
      ...capture,
      maxLagMs: ms(maxLag),
      keepMs: ms(keep),
    })),
    backups: named(backups, (name, { every, keep, ...backup }) => ({
      name,
      ...present(backup),
      ...buildInterval(every),
      keepMs: ms(keep),
    })),
    ...(verification && {
      verification: {
        ...buildInterval(verification.every),
        ...present({ start: verification.start }),
        checks: verification.checks,
      },
    }),
  }
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** The longest gap that a word allows: a local day has 25 hours once a year, a month 31 days and that hour. */
const wordMs: Readonly<Record<string, number>> = {
  hour: hourMs,
  day: dayMs + hourMs,
  week: 7 * dayMs + hourMs,
  month: 31 * dayMs + hourMs,
}

export function buildInterval(every: string): Interval {
  return { every, everyMs: wordMs[every] ?? ms(every) }
}
