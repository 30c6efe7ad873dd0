import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import { switchesMax } from '../domain/leader-record.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import type { Effect, ActionArgs, Authority } from '../engine/action.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { StoreTransaction } from '../ports/control-store.ts'
import { MemoryControlStore } from '../simulation/memory-control-store.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import type { ControlContext } from './control-context.ts'
import { leaderClaim } from './leader-claim.ts'
import { leaderPublish } from './leader-publish.ts'
import { readLeader, writeLeader } from './leader-store.ts'

const estate = simulatedEstate()
const keys = storeKeys(estate.id)
const scope = 'cluster:cmp_ledger'
const component = 'cmp_ledger'

let store: MemoryControlStore
let context: ControlContext

beforeEach(() => {
  const world = new VirtualTime().world()
  store = new MemoryControlStore(world.clock)
  context = { world, estate, store, observeHost: () => Promise.reject(new Error('nobody is asked')) }
})

async function raise(epoch: number): Promise<void> {
  const known = await store.get(keys.epoch(scope))
  const value = canonicalJson({ epoch, executor: 'me', run: 'run_1' })
  await store.transact({
    compare: [{ key: keys.epoch(scope), revision: known?.revision ?? 0 }],
    put: [{ key: keys.epoch(scope), value }],
  })
}

function under(epoch: number): Authority {
  return { run: 'run_1', step: 'claim', attempt: 1, scope, epoch }
}

function claim(member: string, from: string, changed: ActionArgs = {}): ActionArgs {
  return {
    component,
    member,
    from,
    systemIdentifier: '73',
    publishedSync: ['p3', 'p2'],
    publishedCount: 1,
    ...changed,
  }
}

async function leader(): Promise<LeaderRecord | undefined> {
  return (await readLeader(store, estate.id, component)).record
}

async function isSatisfied(action: Effect<ControlContext>, args: ActionArgs): Promise<boolean> {
  return (await action.observe(context, args, under(1))).satisfied
}

test('the first claim names the leader, its epoch, its identity and who may acknowledge', async () => {
  await raise(1)
  const args = claim('mbr_ledger1', '')
  assert.equal(await isSatisfied(leaderClaim, args), false)
  await leaderClaim.apply(context, args, under(1))
  assert.deepEqual(await leader(), {
    member: 'mbr_ledger1',
    epoch: 1,
    systemIdentifier: '73',
    publishedSync: ['p2', 'p3'],
    publishedCount: 1,
    switchesMs: [],
  })
  assert.equal(await isSatisfied(leaderClaim, args), true)
})

test('a claim under an epoch that is not the one of the scope is refused, lower or higher', async () => {
  await raise(5)
  for (const epoch of [4, 6]) {
    const work = leaderClaim.apply(context, claim('mbr_ledger1', ''), under(epoch))
    await assert.rejects(work, { code: 'EPOCH_SUPERSEDED', class: 'refused' })
  }
  assert.equal(await leader(), undefined)
})

test('without any epoch nobody claims', async () => {
  const work = leaderClaim.apply(context, claim('mbr_ledger1', ''), under(0))
  await assert.rejects(work, { code: 'EPOCH_SUPERSEDED' })
})

test('a claim that was planned against another leader is refused', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  for (const from of ['', 'mbr_ledger3']) {
    const work = leaderClaim.apply(context, claim('mbr_ledger2', from), under(1))
    await assert.rejects(work, { code: 'LEADER_NOT_AS_PLANNED', class: 'refused' })
  }
  assert.equal((await leader())?.member, 'mbr_ledger1')
})

test('an epoch that is raised while the claim is being written makes it fail, and changes nothing', async () => {
  await raise(1)
  const transact = store.transact.bind(store)
  store.transact = async (transaction: StoreTransaction) => {
    store.transact = transact
    await raise(2)
    return await transact(transaction)
  }
  const work = leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  await assert.rejects(work, { code: 'LEADER_CHANGED', class: 'transient' })
  assert.equal(await leader(), undefined)
  await assert.rejects(leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1)), {
    code: 'EPOCH_SUPERSEDED',
  })
})

test('of two writers that read the same record one is told that it changed', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  const expected = await readLeader(store, estate.id, component)
  assert.ok(expected.record)
  const write = { estate: estate.id, component, scope, epoch: 1, expected }
  await writeLeader(store, { ...write, record: { ...expected.record, publishedSync: ['p2'] } })
  const late = writeLeader(store, { ...write, record: { ...expected.record, publishedSync: ['p3'] } })
  await assert.rejects(late, { code: 'LEADER_CHANGED' })
  assert.deepEqual((await leader())?.publishedSync, ['p2'])
})

test('claiming again is harmless, and a resumed run claims under its new epoch', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  await raise(2)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(2))
  assert.equal((await leader())?.member, 'mbr_ledger1')
  assert.equal((await leader())?.epoch, 2)
})

test('an unplanned switch is remembered once, however often its claim is repeated', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  const unplanned = claim('mbr_ledger2', 'mbr_ledger1', { unplanned: true })
  await leaderClaim.apply(context, unplanned, under(1))
  await leaderClaim.apply(context, unplanned, under(1))
  assert.equal((await leader())?.switchesMs.length, 1)
  await leaderClaim.apply(context, claim('mbr_ledger1', 'mbr_ledger2'), under(1))
  assert.equal((await leader())?.switchesMs.length, 1)
})

test('as many switches are remembered as any flap guard may wait for, and no more', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  for (let switches = 1; switches <= switchesMax + 2; switches += 1) {
    const [to, from] = switches % 2 === 1 ? ['mbr_ledger2', 'mbr_ledger1'] : ['mbr_ledger1', 'mbr_ledger2']
    await leaderClaim.apply(context, claim(to, from, { unplanned: true }), under(1))
    assert.equal((await leader())?.switchesMs.length, Math.min(switches, switchesMax))
  }
})

test('the identity is bound once: a later claim does not change it', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  await leaderClaim.apply(context, claim('mbr_ledger2', 'mbr_ledger1', { systemIdentifier: '99' }), under(1))
  assert.equal((await leader())?.systemIdentifier, '73')
})

test('a claim without an identity is refused: nothing could be compared with it later', async () => {
  await raise(1)
  const work = leaderClaim.apply(context, claim('mbr_ledger1', '', { systemIdentifier: '' }), under(1))
  await assert.rejects(work, { code: 'SYSTEM_IDENTIFIER_MISSING', class: 'permanent' })
})

function publish(...names: readonly string[]): ActionArgs {
  return { component, member: 'mbr_ledger1', publishedSync: names, publishedCount: 1 }
}

test('publishing changes who may acknowledge and nothing else, and repeating it is harmless', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  const before = await leader()
  assert.equal(await isSatisfied(leaderPublish, publish('p3')), false)
  await leaderPublish.apply(context, publish('p3'), under(1))
  await leaderPublish.apply(context, publish('p3'), under(1))
  assert.deepEqual(await leader(), { ...before, publishedSync: ['p3'] })
  assert.equal(await isSatisfied(leaderPublish, publish('p3')), true)
})

test('the order of the names does not matter, their number does', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  assert.equal(await isSatisfied(leaderPublish, publish('p3', 'p2')), true)
  assert.equal(await isSatisfied(leaderPublish, { ...publish('p3', 'p2'), publishedCount: 2 }), false)
})

test('publishing for a member that does not lead any more is refused', async () => {
  await raise(1)
  await assert.rejects(leaderPublish.apply(context, publish('p3'), under(1)), {
    code: 'LEADER_NOT_AS_PLANNED',
  })
  await leaderClaim.apply(context, claim('mbr_ledger2', ''), under(1))
  const late = leaderPublish.apply(context, publish('p3'), under(1))
  await assert.rejects(late, { code: 'LEADER_NOT_AS_PLANNED', class: 'refused' })
})

test('publishing for a member that does not lead is not seen as done', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger2', ''), under(1))
  assert.equal(await isSatisfied(leaderPublish, publish('p2', 'p3')), false)
})

test('publishing under a superseded epoch is refused', async () => {
  await raise(1)
  await leaderClaim.apply(context, claim('mbr_ledger1', ''), under(1))
  await raise(2)
  await assert.rejects(leaderPublish.apply(context, publish('p3'), under(1)), { code: 'EPOCH_SUPERSEDED' })
})

/** The first record of run_1, as far as a claim reads it. */
async function opened(approvers: readonly string[]): Promise<void> {
  const approvals = approvers.map((approver) => ({ approver }))
  const record = { event: { type: 'opened', requestedBy: 'prn_operator', approvals } }
  const put = [{ key: keys.runRecord('run_1', 0), value: canonicalJson(record) }]
  await store.transact({ compare: [], put })
}

const alone = { publishedSync: [], publishedCount: 0, singleCopy: true }

test('a single copy is in the record with who accepted it and when; a repeated claim changes neither', async () => {
  await raise(1)
  await opened(['prn_approver', 'prn_second'])
  await leaderClaim.apply(context, claim('mbr_ledger2', '', alone), under(1))
  const first = await leader()
  assert.deepEqual(first?.singleCopy?.acceptedBy, ['prn_approver', 'prn_second'])
  assert.equal(first.singleCopy.atMs, context.world.clock.now())
  await opened(['prn_another'])
  await leaderClaim.apply(context, claim('mbr_ledger2', '', alone), under(1))
  assert.deepEqual((await leader())?.singleCopy, first.singleCopy)
})

test('where nobody had to approve, who asked for it accepted it', async () => {
  await raise(1)
  await opened([])
  await leaderClaim.apply(context, claim('mbr_ledger2', '', alone), under(1))
  assert.deepEqual((await leader())?.singleCopy?.acceptedBy, ['prn_operator'])
})

test('a single copy ends when a commit waits for somebody again, and not before', async () => {
  await raise(1)
  await opened(['prn_approver'])
  const member = 'mbr_ledger2'
  await leaderClaim.apply(context, claim(member, '', alone), under(1))
  // Opened again where it is: still nobody else holds anything.
  await leaderClaim.apply(context, claim(member, member, { publishedSync: [], publishedCount: 0 }), under(1))
  assert.notEqual((await leader())?.singleCopy, undefined)
  const publish = { component, member, publishedSync: ['p1'] }
  await leaderPublish.apply(context, { ...publish, publishedCount: 0 }, under(1))
  assert.notEqual((await leader())?.singleCopy, undefined)
  await leaderPublish.apply(context, { ...publish, publishedCount: 1 }, under(1))
  assert.equal((await leader())?.singleCopy, undefined)
  assert.equal('singleCopy' in ((await leader()) ?? {}), false)
})
