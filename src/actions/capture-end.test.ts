import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { CaptureView } from '../ports/kept-copies.ts'
import type { AgentContext } from './agent-context.ts'
import { captureEnd } from './capture-end.ts'

const authority = { run: 'run_one', step: 'one', attempt: 1, scope: 'cluster:cmp_ledger', epoch: 7 }

const ended: CaptureView = {
  protection: { kind: 'degraded', sinceMs: 0, reason: 'no primary' },
  source: null,
  timeline: 3,
  durableLsn: '0/5000148' as CaptureView['durableLsn'],
  exposedMs: 4_000,
  alarms: [],
}

async function proofOf(capture: CaptureView | undefined, holdsAll: boolean) {
  const world = new VirtualTime().world()
  const view = () => (capture === undefined ? {} : { capture })
  const context = { world, copies: () => ({ view }) } as unknown as AgentContext
  const seen = await captureEnd.observe(context, { component: 'cmp_ledger', holdsAll }, authority)
  assert.ok(seen.satisfied)
  return { proof: seen.proof, nowMs: world.clock.now() }
}

test('says where the archive ends and until when it holds everything; how much is missing it does not make up', async () => {
  const { proof, nowMs } = await proofOf(ended, false)
  assert.deepEqual(proof, {
    protection: 'degraded',
    timeline: 3,
    durableLsn: '0/5000148',
    heldUntilMs: nowMs - 4_000,
    confirmedCommitsLost: 'unknown',
  })
})

test('where every commit waited for the archive nothing confirmed is missing', async () => {
  const { proof } = await proofOf(ended, true)
  assert.equal((proof as { confirmedCommitsLost: unknown }).confirmedCommitsLost, 0)
})

test('a capture that never received says nothing of when', async () => {
  for (const capture of [undefined, { ...ended, exposedMs: null }]) {
    const { proof } = await proofOf(capture, false)
    const { heldUntilMs, confirmedCommitsLost } = proof as Record<string, unknown>
    assert.deepEqual([heldUntilMs, confirmedCommitsLost], [null, 'unknown'])
  }
})
