import { membersPart, waitsForEach } from '../domain/synchronous-rule.ts'
import type { SynchronousRule } from '../domain/synchronous-rule.ts'
import type { Component, PostgresComponent } from './estate.ts'
import type { Capture } from './protection.ts'

/** As leader records and facts have it. */
export interface Published {
  readonly publishedSync: readonly string[]
  readonly publishedCount: number
}

/** Labels by which captures of WAL stand in a rule: none is ever promoted. */
export function captureNames(component: Component): ReadonlySet<string> {
  return new Set(walCaptures(component).map(({ name }) => name))
}

/** Those that may stand among the names that a commit waits for; whether they do says the published rule. */
export function synchronousCaptures(component: Component): readonly Capture[] {
  return walCaptures(component).filter(({ synchronous }) => synchronous)
}

function walCaptures({ protection }: Component): readonly Capture[] {
  return (protection?.captures ?? []).filter(({ of }) => of === 'wal')
}

export function publishedRule({ publishedSync, publishedCount }: Published): SynchronousRule {
  return { names: publishedSync, count: publishedCount }
}

/** What of the rule a change of primary depends on: captures are neither revoked nor promoted, and wait for no new primary. */
export function publishedMembers(cluster: PostgresComponent, published: Published): SynchronousRule {
  return membersPart(publishedRule(published), captureNames(cluster))
}

export function publishedCaptures(
  cluster: PostgresComponent,
  { publishedSync }: Published,
): readonly string[] {
  return synchronousCaptures(cluster)
    .map(({ name }) => name)
    .filter((name) => publishedSync.includes(name))
}

/**
 * A capture stands among the names and every commit waits for all of them: nothing was confirmed that the archive has not. Where some of the
 * names are enough, a commit can do without the archive.
 */
export function archiveHoldsAll(cluster: PostgresComponent, published: Published): boolean {
  return publishedCaptures(cluster, published).length > 0 && waitsForEach(publishedRule(published))
}
