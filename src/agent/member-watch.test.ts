import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryFiles } from '../../test/support/memory-files.ts'
import { MemoryMember, primaryNaming, standbyOf, systemIdentifier } from '../../test/support/memory-member.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import type { MemberIntent } from '../actions/agent-context.ts'
import { immediateStopMs } from '../domain/stale-read-bound.ts'
import { clusters } from '../estate/estate-lookup.ts'
import type { MemberObservation } from '../ports/database-member.ts'
import { simulatedEstate } from '../simulation/simulated-estate.ts'
import { AgentState } from './agent-state.ts'
import { MemberWatch } from './member-watch.ts'
import { Turns } from '../domain/turns.ts'
import { turnTarget } from './turn-target.ts'

const fenceMs = 1_000
const id = 'mbr_ledger1'
const news = (epoch: number) => ({ component: 'cmp_ledger', member: 'mbr_ledger2', epoch }) as const

interface Beginning {
  readonly seen: MemberObservation
  readonly intent?: MemberIntent
  readonly epoch?: number
}

async function watching({ seen, intent = 'none', epoch = 0 }: Beginning) {
  const time = new VirtualTime()
  const world = time.world()
  const files = new MemoryFiles()
  const state = await AgentState.load(files, '/state')
  if (epoch > 0) await state.intend(id, intent, epoch)
  const driver = new MemoryMember('p1', seen)
  const [cluster] = clusters(simulatedEstate({ fenceMs }))
  const member = cluster?.members[0]
  assert.ok(cluster !== undefined && member !== undefined)
  const turns = new Turns()
  let changes = 0
  const changed = (): void => void (changes += 1)
  const watch = new MemberWatch(world, state, { cluster, member, driver }, { everyMs: 100, turns, changed })
  const stop = new AbortController()
  void watch.run(stop.signal)
  await time.pass(10)
  const renew = (): void => watch.renewed(world.clock.monotonicMs(), undefined)
  const hear = (from: number): void => watch.renewed(world.clock.monotonicMs(), news(from))
  const stops = (): number => driver.effects.filter((effect) => effect === 'stop-immediate').length
  return { time, watch, state, files, driver, turns, renew, hear, stops, changes: () => changes }
}

test('a primary that hears from nobody stops itself within the bound, and not before', async () => {
  const { time, driver, state, watch, stops } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  await time.pass(fenceMs - 100)
  assert.equal(stops(), 0)
  await time.pass(300)
  assert.equal(stops(), 1)
  assert.equal(state.intentOf(id), 'fenced')
  assert.equal(watch.view().fenced, true)
  assert.equal(watch.view().observation.role, 'stopped')
})

test('however the looks fall, an isolated primary is told to stop well before the bound that its agent promises', async () => {
  for (let phaseMs = 0; phaseMs < 250; phaseMs += 7) {
    const { time, driver, watch, stops } = await watching({ seen: primaryNaming('p2') })
    await time.pass(300 + phaseMs)
    driver.acknowledges = false
    const boundMs = watch.view().staleReadBoundMs
    assert.ok(boundMs !== undefined)
    await time.pass(boundMs - immediateStopMs)
    assert.equal(stops(), 1)
  }
})

test('what earlier rejoins have left is reported until somebody removes it', async () => {
  const kept = [{ path: '/data.kept-1', bytes: 7 }]
  const { time, watch, driver } = await watching({ seen: standbyOf('10.0.0.1:5432') })
  assert.equal('kept' in watch.view(), false)
  driver.leftBehind = kept
  await time.pass(11_000)
  assert.deepEqual(watch.view().kept, kept)
  driver.leftBehind = []
  await time.pass(11_000)
  assert.equal('kept' in watch.view(), false)
})

test('losing the control plane alone stops nothing while a standby acknowledges', async () => {
  const { time, stops, watch } = await watching({ seen: primaryNaming('p2') })
  await time.pass(20_000)
  assert.equal(stops(), 0)
  assert.ok((watch.view().acknowledgedAgeMs ?? 9_999) < 500)
})

test('losing the standbys alone stops nothing while the control plane answers', async () => {
  const { time, driver, renew, stops, watch } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  for (let round = 0; round < 20; round += 1) {
    renew()
    await time.pass(500)
  }
  assert.equal(stops(), 0)
  assert.equal(watch.view().acknowledgedAgeMs, undefined)
})

test('what an asynchronous primary commits is acknowledged by nobody and keeps nothing alive', async () => {
  const { time, stops } = await watching({ seen: primaryNaming() })
  await time.pass(fenceMs + 300)
  assert.equal(stops(), 1)
})

test('an answer proves nothing about later than when the heartbeat was sent', async () => {
  const { time, watch, stops, driver } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  const sentMs = 0
  await time.pass(900)
  watch.renewed(sentMs, undefined)
  await time.pass(400)
  assert.equal(stops(), 1)
})

test('a freshly promoted primary does not believe news from before its promotion', async () => {
  const { time, hear, stops } = await watching({ seen: primaryNaming('p2'), intent: 'primary', epoch: 7 })
  hear(6)
  await time.pass(500)
  hear(7)
  await time.pass(500)
  assert.equal(stops(), 0)
})

test('a primary stops at once on newer news, however many standbys acknowledge', async () => {
  const { time, hear, stops, state } = await watching({
    seen: primaryNaming('p2'),
    intent: 'primary',
    epoch: 7,
  })
  hear(8)
  await time.pass(200)
  assert.equal(stops(), 1)
  assert.equal(state.intentOf(id), 'fenced')
})

test('a primary that nobody told to be one stops when another leads, under any epoch', async () => {
  for (const intent of ['none', 'standby', 'fenced'] as const) {
    const { time, hear, stops } = await watching({ seen: primaryNaming('p2'), intent, epoch: 7 })
    hear(7)
    await time.pass(200)
    assert.equal(stops(), 1, intent)
  }
})

test('a primary that does not answer its own agent is still fenced', async () => {
  const { time, driver, stops } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  driver.seen = { role: 'unknown' }
  await time.pass(fenceMs + 300)
  assert.equal(stops(), 1)
})

test('a primary that answers now and then gains no time by it', async () => {
  const { time, driver, stops } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  for (let round = 0; round < 8; round += 1) {
    driver.seen = round % 2 === 0 ? { role: 'unknown' } : primaryNaming('p2')
    await time.pass(200)
  }
  assert.equal(stops(), 1)
})

test('a standby is never stopped, whoever leads and however quiet it is', async () => {
  const { time, hear, stops } = await watching({
    seen: standbyOf('10.0.0.1:5432'),
    intent: 'standby',
    epoch: 3,
  })
  hear(9)
  await time.pass(10_000)
  assert.equal(stops(), 0)
})

test('a disk that is full or hangs does not hold up the fence', async () => {
  const full = await watching({ seen: primaryNaming('p2') })
  full.files.fails = true
  const hanging = await watching({ seen: primaryNaming('p2') })
  hanging.files.hold()
  for (const { driver, time, stops } of [full, hanging]) {
    driver.acknowledges = false
    await time.pass(fenceMs + 300)
    assert.equal(stops(), 1)
    assert.equal(driver.seen.role, 'stopped')
  }
})

test('a fence that fails is tried again', async () => {
  const { time, driver, stops } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  const stopImmediate = driver.stopImmediate.bind(driver)
  let failures = 3
  driver.stopImmediate = async () => {
    if (failures-- > 0) throw new Error('a process survives')
    await stopImmediate()
  }
  await time.pass(fenceMs + 800)
  assert.equal(stops(), 1)
  assert.equal(driver.seen.role, 'stopped')
})

test('only a member that is meant to be a standby is started again', async () => {
  for (const intent of ['none', 'primary', 'fenced', 'standby'] as const) {
    const { time, driver } = await watching({ seen: standbyOf('10.0.0.1:5432'), intent, epoch: 3 })
    driver.end()
    await time.pass(1_000)
    assert.equal(driver.effects.includes('start-as-standby'), intent === 'standby', intent)
  }
})

test("somebody else's database in the place of a standby is not started", async () => {
  const { time, driver } = await watching({ seen: standbyOf('10.0.0.1:5432'), intent: 'standby', epoch: 3 })
  await time.pass(300)
  driver.end()
  driver.seen = { role: 'stopped', systemIdentifier: '7399999999999999999' }
  await time.pass(1_000)
  assert.deepEqual(driver.effects, [])
  driver.seen = { ...driver.seen, systemIdentifier }
  await time.pass(300)
  assert.deepEqual(driver.effects, ['start-as-standby'])
})

test('a standby is left alone while a run is at work on it: its directory may be half rewound', async () => {
  const { time, driver, turns } = await watching({ seen: standbyOf(''), intent: 'standby', epoch: 3 })
  const work = Promise.withResolvers<void>()
  const rejoin = turns.inTurn('cmp_ledger/mbr_ledger1', async () => work.promise)
  driver.end()
  await time.pass(1_000)
  assert.deepEqual(driver.effects, [])
  work.resolve()
  await rejoin
  await time.pass(200)
  assert.deepEqual(driver.effects, ['start-as-standby'])
})

test('an exit is told at once, and a reading that was begun before it does not hide it', async () => {
  const { time, driver, watch, changes } = await watching({ seen: primaryNaming('p2') })
  const late = Promise.withResolvers<MemberObservation>()
  const observe = driver.observe.bind(driver)
  driver.observe = async () => late.promise
  const reading = watch.readNow()
  const before = changes()
  driver.end()
  assert.equal(watch.view().observation.role, 'stopped')
  assert.ok(changes() > before)
  late.resolve(primaryNaming('p2'))
  driver.observe = observe
  assert.equal((await time.settled(reading)).observation.role, 'stopped')
})

test('a fenced member that came back as a standby is not called fenced any more', async () => {
  const { time, driver, watch } = await watching({ seen: primaryNaming('p2') })
  driver.acknowledges = false
  await time.pass(fenceMs + 300)
  assert.equal(watch.view().fenced, true)
  driver.seen = standbyOf('10.0.0.2:5432')
  await time.pass(200)
  assert.equal(watch.view().fenced, false)
})

test('a reading says how old it is', async () => {
  const { time, driver, watch } = await watching({ seen: primaryNaming('p2') })
  driver.observe = async () => new Promise(() => {})
  await time.pass(5_000)
  assert.ok(watch.view().ageMs >= 4_800)
})

test('a certificate that was renewed on the host is taken once, and not while somebody is at work on the member', async () => {
  const { time, driver, turns } = await watching({ seen: standbyOf('10.0.0.1:5432') })
  const renewals = (): number => driver.effects.filter((effect) => effect === 'renew-certificate').length
  await time.pass(25_000)
  assert.equal(renewals(), 0)
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = turns.inTurn(turnTarget('cmp_ledger', id), async () => promise)
  driver.renewalDue = true
  await time.pass(25_000)
  assert.equal(renewals(), 0)
  resolve()
  await work
  await time.pass(25_000)
  assert.equal(renewals(), 1)
})
