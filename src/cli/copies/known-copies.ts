import { hostNamed } from '../../estate/estate-lookup.ts'
import type { LeaderRecord } from '../../domain/leader-record.ts'
import type { Estate, PostgresComponent } from '../../estate/estate.ts'
import { keepersOf } from '../../estate/keepers.ts'
import { archiveHoldsAll, publishedCaptures } from '../../estate/published-rule.ts'
import type { FailedRestore, KnownCopies } from '../../estate/verdict.ts'
import type { CopiesView } from '../../ports/kept-copies.ts'
import type { ControlPlaneStatus } from '../../server/status-wire.ts'
import { isFreshReport } from '../../watch/seen-copies.ts'

/** What one host keeps of one component, as it said last. */
export interface ShownCopies {
  readonly component: string
  readonly host: string
  /** Of the report; absent when there is none. */
  readonly ageMs?: number
  readonly view?: CopiesView
  /** Absent: none was run, or the last one ended well. */
  readonly failedRestore?: FailedRestore
  /** A commit may wait for what is received here. Absent: none does. */
  readonly rule?: ShownRule
}

export interface ShownRule {
  /** Acknowledgements that a commit waits for, of so many names. */
  readonly count: number
  readonly of: number
  /** No commit does without the archive. */
  readonly isEach: boolean
}

/** One entry for each host that is meant to keep something, whether it says so or not. */
export function shownCopies(
  estate: Estate,
  { hosts, clusters }: ControlPlaneStatus,
  failed: readonly FailedRestore[] = [],
): readonly ShownCopies[] {
  return estate.components.flatMap((component) => {
    const { archive, vault } = keepersOf(estate, component)
    const failedRestore = failed.find((one) => one.component === component.id)
    const leader = clusters.find((one) => one.component === component.id)?.leader
    const rule = component.kind === 'postgres' ? ruleWith(component, leader) : undefined
    const names = new Set([archive?.name, vault?.name].filter((name) => name !== undefined))
    return [...names].map((name) => {
      const status = hosts.find(({ host }) => host === hostNamed(estate, name).name)
      const view = status?.view?.copies?.find((one) => one.component === component.id)
      return {
        component: component.id,
        host: name,
        ...(status?.ageMs === undefined ? {} : { ageMs: status.ageMs }),
        ...(view === undefined ? {} : { view }),
        ...(failedRestore === undefined || name !== vault?.name ? {} : { failedRestore }),
        ...(rule === undefined || name !== archive?.name ? {} : { rule }),
      }
    })
  })
}

function ruleWith(cluster: PostgresComponent, leader: LeaderRecord | undefined): ShownRule | undefined {
  if (leader === undefined || publishedCaptures(cluster, leader).length === 0) return undefined
  const { publishedCount: count, publishedSync } = leader
  return { count, of: publishedSync.length, isEach: archiveHoldsAll(cluster, leader) }
}

export function knownCopies(shown: readonly ShownCopies[]): readonly KnownCopies[] {
  return shown.map(({ component, host, ageMs = Number.POSITIVE_INFINITY, view, failedRestore }) => {
    const { capture } = view ?? {}
    const isKnown = view !== undefined && isFreshReport(view, ageMs)
    return {
      component,
      host,
      isKnown,
      snapshots: view?.snapshots.length ?? 0,
      broken: view?.broken ?? [],
      brokenBefore: view?.brokenBefore ?? [],
      problems: view?.problems ?? [],
      ...(typeof capture?.exposedMs === 'number' ? { exposedMs: capture.exposedMs + ageMs } : {}),
      ...(failedRestore === undefined ? {} : { failedRestore }),
      ...(capture?.protection.kind === 'degraded' ? { degraded: capture.protection.reason } : {}),
    }
  })
}
