import { instantText } from '../domain/instant.ts'
import { formatDuration } from './duration.ts'
import type { Component } from './estate.ts'
import type { KnownCopies, Overdue } from './verdict.ts'

export interface CopiesSeen {
  readonly colour: 'RED' | 'UNKNOWN' | 'AMBER'
  readonly reason: string
}

/** What is wrong with the copies of a component, known before anybody needs them; undefined when a recovery would find all it needs. Pure. */
export function copiesReadiness(
  component: Component,
  known: readonly KnownCopies[] | undefined,
  overdue: readonly Overdue[] = [],
): CopiesSeen | undefined {
  const own = (known ?? []).filter((one) => one.component === component.id)
  const { captures = [], backups = [] } = component.protection ?? {}
  const wal = captures.find(({ of }) => of === 'wal')
  const findings = own.flatMap((copies) => [
    ...damage(copies),
    ...failedRestore(copies),
    ...exposure(copies, wal?.maxLagMs),
    ...(copies.isKnown && copies.snapshots === 0 && backups.length > 0
      ? [amber('there is no base backup yet: run `pointzero plan backup`')]
      : []),
  ])
  findings.push(...overdue.filter((one) => one.component === component.id).map(late))
  return (
    findings.find(({ colour }) => colour === 'RED') ??
    findings.find(({ colour }) => colour === 'UNKNOWN') ??
    findings[0]
  )
}

/** With a whole archive an old backup costs time, not data; an old restore test costs only certainty. */
function late({ what, sinceMs, isLong, why }: Overdue): CopiesSeen {
  const since =
    sinceMs === undefined
      ? `there never was a ${what} of it`
      : `${what} overdue since ${instantText(sinceMs)}`
  const reason = why === undefined ? since : `${since}: ${why}`
  return what === 'backup' && isLong ? red(reason) : amber(reason)
}

function damage({ host, isKnown, broken, brokenBefore, problems }: KnownCopies): readonly CopiesSeen[] {
  if (!isKnown)
    return [{ colour: 'UNKNOWN', reason: `${host}, which keeps its copies, has not said how they are` }]
  const [hole] = broken
  const [problem] = problems
  const [older] = brokenBefore
  return [
    ...(hole === undefined
      ? []
      : [red(`archive gap on ${host}: ${hole}; the newest state can not be recovered from it`)]),
    ...(problem === undefined ? [] : [red(`vault on ${host}: ${problem}`)]),
    ...(older === undefined
      ? []
      : [
          amber(
            `archive gap on ${host} before the newest base backup: ${older}; older states can not be recovered`,
          ),
        ]),
  ]
}

function failedRestore({ failedRestore: failed }: KnownCopies): readonly CopiesSeen[] {
  if (failed === undefined) return []
  const reason = `its last restore test failed: ${failed.text}`
  return [failed.isOfCopies ? red(reason) : amber(reason)]
}

function exposure(
  { host, isKnown, exposedMs, degraded }: KnownCopies,
  maxLagMs: number | undefined,
): readonly CopiesSeen[] {
  if (!isKnown || maxLagMs === undefined) return []
  if (exposedMs !== undefined && exposedMs > maxLagMs)
    return [
      red(
        `its WAL has not been complete on ${host} for ${Math.round(exposedMs / 1000)} s; at most ${formatDuration(maxLagMs)} are allowed`,
      ),
    ]
  return degraded === undefined ? [] : [amber(`${host} does not receive its WAL: ${degraded}`)]
}

function red(reason: string): CopiesSeen {
  return { colour: 'RED', reason }
}

function amber(reason: string): CopiesSeen {
  return { colour: 'AMBER', reason }
}
