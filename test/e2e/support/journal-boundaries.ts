import { readFileSync } from 'node:fs'
import type { ZoneHostName } from '../../../src/lab/lab-host.ts'
import type { Labels } from './boundary.ts'
import { othersThan } from './estate-view.ts'

/** Hosts by what they are to one run, so that a boundary means the same in every direction. */
export interface Cast {
  readonly old: ZoneHostName
  readonly next: ZoneHostName
  readonly other: ZoneHostName
}

export function castFor(old: ZoneHostName): Cast {
  const [next, other] = othersThan(old)
  return { old, next, other }
}

/**
 * Every boundary of a run that nobody disturbed, from what its executor traced: `before intent:promote`. A transaction is named after
 * the first thing that it wrote.
 */
export function boundariesOf(trace: string, cast: Cast): readonly string[] {
  const transactions = readFileSync(trace, 'utf8').trim().split('\n')
  return transactions
    .map((line) => (JSON.parse(line) as Labels).map((label) => inRoles(label, cast)))
    .flatMap(([label]) => (label === undefined ? [] : [`before ${label}`, `after ${label}`]))
}

/** The boundary with the hosts of this run, as an executor takes it. */
export function inCast(boundary: string, cast: Cast): string {
  return roles(cast).reduce(
    (text, [role, host]) => text.replaceAll(`{${role}}`, host),
    boundary.replace(' ', ':'),
  )
}

function inRoles(label: string, cast: Cast): string {
  return roles(cast).reduce((text, [role, host]) => text.replaceAll(host, `{${role}}`), label)
}

function roles(cast: Cast): readonly (readonly [string, string])[] {
  return Object.entries(cast) as readonly (readonly [string, string])[]
}
