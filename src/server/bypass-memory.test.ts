import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleFacts } from '../../test/support/sample-facts.ts'
import type { Facts, MemberFacts } from '../domain/facts.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { BypassMemory } from './bypass-memory.ts'

test('what went around the synchronous rule when the primary was last seen counts when it is gone', async () => {
  const memory = new MemoryControlStore(new SystemClock())
  const seen = sampleFacts()
  const leader = seen.clusters[0]?.members[0]
  assert.ok(leader !== undefined && leader.role === 'primary')
  const withBypass = replaceLeader(seen, { bypasses: ['role app: synchronous_commit=off'] })
  await new BypassMemory(memory, seen.estate).complete(withBypass)
  const gone = replaceLeader(seen, { reachable: false, role: 'unknown', bypasses: [] })
  const completed = await new BypassMemory(memory, seen.estate).complete(gone)
  assert.deepEqual(completed.clusters[0]?.members[0]?.bypasses, ['role app: synchronous_commit=off'])
})

function replaceLeader(facts: Facts, change: Partial<MemberFacts>): Facts {
  const clusters = facts.clusters.map((cluster) => ({
    ...cluster,
    members: cluster.members.map((member) =>
      member.member === cluster.leader ? { ...member, ...change } : member,
    ),
  }))
  return { ...facts, clusters }
}
