import type { CorruptionFigures, Judgement } from './judgement.ts'
import type { ClientView } from './recovery-time.ts'

/** For people; the JSON holds all of it. */
export function judgementTable({ verdict, findings, figures }: Judgement): string {
  const rows = [
    ...findings.map(({ check, verdict, detail }) => [verdict, check, detail]),
    [],
    ['', 'acknowledged writes', String(figures.acknowledgedWrites)],
    ['', 'acknowledged writes lost', String(figures.lostWrites)],
    ['', 'recovery point', seconds(figures.recoveryPointMs)],
    ...corruptionRows(figures.corruption),
    ...clientRows('orders', figures.orders),
    ...clientRows('SQL writes', figures.rawWrites),
    ...figures.dualRoles.map(({ servers, overlapMs }) => {
      return ['', 'two members called themselves primary', `${servers.join(' and ')}: ${seconds(overlapMs)}`]
    }),
    [
      '',
      'surviving primary',
      `${figures.server}, timeline ${figures.timeline}, ${figures.ledgerRows} orders`,
    ],
    [],
    [verdict.toUpperCase()],
  ]
  return rows.map((row) => line(row)).join('\n')
}

function corruptionRows(corruption: CorruptionFigures | undefined): readonly (readonly string[])[] {
  if (corruption === undefined) return []
  const { kind, undoneWrites, undoneMs } = corruption
  return [
    ['', 'corruption', kind],
    ['', 'acknowledged writes after it, undone', `${undoneWrites}, over ${seconds(undoneMs)}`],
  ]
}

function clientRows(name: string, view: ClientView | undefined): readonly (readonly string[])[] {
  if (view === undefined) return []
  const { transition } = view
  const gap = ['', `${name}: longest confirmed-write gap`, seconds(view.longestGapMs)]
  if (transition === undefined) return [gap, ['', `${name}: recovery time`, 'no request failed']]
  const { failures, requests, failuresPerThousand } = transition
  return [
    gap,
    ['', `${name}: recovery time (first failed to first acknowledged)`, seconds(transition.recoveryMs)],
    ['', `${name}: until no request failed any more`, seconds(transition.settledMs)],
    [
      '',
      `${name}: errors meanwhile`,
      `${failures} of ${requests} (${(failuresPerThousand / 10).toFixed(1)} %)`,
    ],
  ]
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'never' : `${(ms / 1000).toFixed(3)} s`
}

function line([first = '', second = '', third = '']: readonly string[]): string {
  return `${first.padEnd(13)}${second.padEnd(66)}${third}`.trimEnd()
}
