import type { Facts } from '../domain/facts.ts'
import type { Scenario } from '../domain/scenario.ts'
import type { Component } from './estate.ts'
import { publishedMembers } from './published-rule.ts'
import type { Judgement } from './verdict.ts'

/** What is observed can void RPO 0 although the design would keep it. Undefined when it does not. */
export function factsJudgement(
  component: Component,
  scenario: Scenario,
  rpoMs: number,
  facts: Facts | undefined,
): Judgement | undefined {
  if (rpoMs > 0 || component.kind !== 'postgres') return undefined
  if (scenario !== 'component-loss' && scenario !== 'zone-loss') return undefined
  const cluster = facts?.clusters.find((candidate) => candidate.component === component.id)
  if (cluster === undefined || cluster.leader === '') return undefined
  const bypasses = cluster.members.flatMap(({ name, bypasses }) =>
    bypasses.map((bypass) => `${bypass} on ${name}`),
  )
  if (bypasses.length > 0) {
    return {
      refuted: true,
      why: `commits need not wait for a standby: ${bypasses.join(', ')}`,
      smallestChange: 'remove these settings of synchronous_commit',
    }
  }
  const { count } = publishedMembers(component, cluster)
  if (count >= component.policy.synchronousCount) return undefined
  return {
    refuted: true,
    why: `commits wait for ${count} standbys now, the policy says ${component.policy.synchronousCount}`,
    smallestChange: `run \`pointzero plan reprotect\` for ${component.name}`,
  }
}
