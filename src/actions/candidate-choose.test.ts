import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standbyOf, systemIdentifier } from '../../test/support/memory-member.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { parseLsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ActionArgs, Observation } from '../engine/action.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { candidateChoose } from './candidate-choose.ts'
import { memberReached } from './member-reached.ts'

const estate = simulatedEstate()
const authority = { run: 'run_1', step: 'choose', attempt: 1, scope: 'cluster:cmp_ledger', epoch: 1 }
const at = (lsn: string): MemberObservation => ({
  ...standbyOf(''),
  receivedLsn: parseLsn(lsn),
  replayedLsn: parseLsn('0/1'),
})

/** Members p2 and p3 as their agents would show them now; absent: the agent does not answer. */
async function placed(seen: Readonly<Record<string, MemberObservation>>, recorded: Json = {}) {
  const { clock, ...world } = new VirtualTime().world()
  const store = new MemoryControlStore(clock)
  const key = storeKeys(estate.id).leader('cmp_ledger')
  await store.transact({
    compare: [],
    put: [
      { key, value: canonicalJson({ member: 'mbr_ledger1', systemIdentifier, ...(recorded as object) }) },
    ],
  })
  const observeHost = async (host: string) => {
    const observation = seen[host]
    const member = `mbr_ledger${host.slice(2)}` as const
    if (observation === undefined)
      throw new RecoveryError({ code: 'NETWORK_UNREACHABLE', class: 'transient', message: host, hint: '' })
    const members = [{ component: 'cmp_ledger' as const, member, observation, ageMs: 0, fenced: false }]
    return { members, probes: [], gates: [], instances: [], epochs: [] }
  }
  return { world: { clock, ...world }, estate, store, observeHost }
}

const usual: ActionArgs = {
  component: 'cmp_ledger',
  members: ['mbr_ledger2', 'mbr_ledger3'],
  needed: 2,
  count: 1,
  fallbackSync: ['p1'],
}

async function choose(
  seen: Readonly<Record<string, MemberObservation>>,
  changed: ActionArgs = {},
): Promise<Observation> {
  return candidateChoose.observe(await placed(seen), { ...usual, ...changed }, authority)
}

test('the one that holds most is chosen, and the others are whom it waits for', async () => {
  const seen = await choose({ az2: at('0/10'), az3: at('0/20') })
  assert.ok(seen.satisfied)
  assert.equal(seen.output['member'], 'mbr_ledger3')
  assert.equal(seen.output['host'], 'az3')
  assert.deepEqual(seen.output['others'], ['p2'])
})

test('nothing is chosen while fewer than needed are seen to be detached, even if one is silent', async () => {
  assert.equal((await choose({ az2: at('0/10') })).satisfied, false)
  assert.equal((await choose({ az2: at('0/10'), az3: standbyOf('10.0.0.1:5432') })).satisfied, false)
})

test('the fallback stands in for others that are missing, and never for the chosen one itself', async () => {
  const alone = await choose({ az2: at('0/10') }, { needed: 1, fallbackSync: ['p1', 'p2'] })
  assert.ok(alone.satisfied)
  assert.deepEqual(alone.output['others'], ['p1'])
})

test('a rule that nobody could meet is not chosen: after the claim there would be no way back', async () => {
  const seen = { az2: at('0/10'), az3: at('0/20') }
  assert.equal((await choose(seen, { count: 2, fallbackSync: [] })).satisfied, false)
  const together = await choose(seen, { count: 2 })
  assert.ok(together.satisfied)
  assert.deepEqual(together.output['others'], ['p2', 'p1'])
})

test('who holds less than the leader was promoted with is never chosen, however many were revoked', async () => {
  const seen = { az2: at('0/10'), az3: at('0/20') }
  const after = async (holds: Json): Promise<Observation> =>
    candidateChoose.observe(await placed(seen, { holds }), usual, authority)
  const enough = await after({ timeline: 1, lsn: '0/20' })
  assert.ok(enough.satisfied)
  assert.equal(enough.output['member'], 'mbr_ledger3')
  assert.equal((await after({ timeline: 1, lsn: '0/21' })).satisfied, false)
  assert.equal((await after({ timeline: 2, lsn: '0/1' })).satisfied, false)
})

test('a member of another database system is never chosen', async () => {
  const foreign = { ...at('F/0'), systemIdentifier: '99' }
  assert.equal((await choose({ az2: at('0/10'), az3: foreign })).satisfied, false)
})

test('member.reached: only a standby that holds everything on that timeline will do', async () => {
  const reached = async (seen: MemberObservation) => {
    const args = { component: 'cmp_ledger', member: 'mbr_ledger2', lsn: '0/10', timeline: 1 }
    return (await memberReached.observe(await placed({ az2: seen }), args, authority)).satisfied
  }
  assert.equal(await reached(at('0/10')), true)
  assert.equal(await reached(at('0/F')), false)
  assert.equal(await reached({ ...at('0/10'), timeline: 0 }), false)
  assert.equal(await reached({ ...at('0/10'), role: 'stopped' }), false)
})
