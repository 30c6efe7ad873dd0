import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from '../../src/simulation/fault.ts'
import { offRunner } from './off-runner.ts'
import { begunRuns, schedule } from './scheduled-lives.ts'
import { baseSeed, count, fault, live } from './simulation-support.ts'
import type { Lived } from './simulation-support.ts'
import type { VerificationLives } from './verification-lives.ts'

const phases = ['adoption', 'scheduled'] as const
const base = baseSeed(1)
const seeds = 300

async function scheduled(seed: number, faults: readonly Fault[] = []): Promise<Lived> {
  return await live(seed, { phases, faults, schedule })
}

/** From the beginning of each to the beginning of the next. */
function gapsMs({ simulation }: Lived, procedure = 'backup'): readonly number[] {
  const times = begunRuns(simulation.sim.durable.entries, procedure).map(({ atMs }) => atMs)
  return times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0))
}

/** One snapshot a backup: none was taken twice, and none is missing. */
function assertExact(lived: Lived, what = ''): void {
  const { durable, vault } = lived.simulation.sim
  const begun = begunRuns(durable.entries, 'backup')
  assert.ok(
    begun.every(({ status }) => status === 'completed'),
    `${what}: ${JSON.stringify(begun)}`,
  )
  assert.equal(vault.snapshots.length, begun.length, what)
}

/** How often everything is looked at. */
const lookMs = 1_000

function assertKept(lived: Lived, delayedMs: number, what = ''): void {
  assertExact(lived, what)
  for (const gapMs of gapsMs(lived)) {
    assert.ok(gapMs >= schedule.backupMs, `${what}: ${gapMs} ms after the one before`)
    assert.ok(gapMs <= schedule.backupMs + lookMs + delayedMs, `${what}: ${gapMs} ms after the one before`)
  }
}

test('backups come at their interval and restore tests at theirs, and nobody asks for them', async () => {
  const lived = await scheduled(1)
  assertKept(lived, 100)
  assert.ok(gapsMs(lived, 'backup-verification').every((gapMs) => gapMs >= schedule.verificationMs))
  assert.equal(count(lived, 'command:run:completed'), 1, 'the adoption')
  assert.equal(count(lived, 'resumed-by-a-person'), 0)
})

test('a control plane that dies at any moment is followed by one that goes on with its run: one snapshot a backup', async () => {
  for (let atMs = 0; atMs <= 4_500; atMs += 250) {
    const effect = { kind: 'process-kill', process: 'control-plane', place: 'ctl' } as const
    const lived = await scheduled(2, [fault('scheduled', atMs, 1, effect)])
    // It comes back, hears the agents, and looks.
    assertKept(lived, 2_500, `killed at ${atMs} ms`)
    assert.equal(count(lived, 'resumed-by-a-person'), 0)
  }
})

test('a control plane that dies at any answer or timer: one snapshot a backup', async () => {
  for (let awaits = 1; awaits <= 120; awaits += 7) {
    const effect = { kind: 'kill-at-await', process: 'control-plane', awaits } as const
    assertKept(await scheduled(3, [fault('scheduled', 0, 1, effect)]), 2_500, `killed at await ${awaits}`)
  }
})

test('a control plane that dies right after any record of a run is durable: one snapshot a backup', async () => {
  for (let records = 1; records <= 12; records += 1) {
    const effect = { kind: 'kill-at-record', records } as const
    assertKept(await scheduled(4, [fault('scheduled', 0, 1, effect)]), 2_500, `killed at record ${records}`)
  }
})

test('a control plane that was away for several intervals makes up one backup', async () => {
  const effect = { kind: 'host-crash', place: 'ctl' } as const
  const lived = await scheduled(5, [fault('scheduled', 3_000, 7_000, effect)])
  assertExact(lived)
  const gaps = gapsMs(lived)
  assert.equal(gaps.filter((gapMs) => gapMs > 7_000).length, 1, gaps.join())
  assert.ok(
    gaps.every((gapMs) => gapMs >= schedule.backupMs),
    gaps.join(),
  )
})

test('a failover waits for no backup, and no backup is lost with the primary', async () => {
  for (const atMs of [200, 900, 2_100, 3_700]) {
    const effect = { kind: 'host-crash', place: 'leader-zone' } as const
    const lived = await scheduled(6, [fault('scheduled', atMs, 6_000, effect)])
    assert.equal(count(lived, 'log:automatic-decision:zone-failover'), 1)
    const { snapshots } = lived.simulation.sim.vault
    const timeline = lived.simulation.director.reading.leadingServer?.timeline
    assert.equal(snapshots.at(-1)?.timeline, timeline, `at ${atMs} ms: the newest is of the new primary`)
    assert.ok(
      gapsMs(lived).every((gapMs) => gapMs >= schedule.backupMs / 2),
      gapsMs(lived).join(),
    )
  }
})

test('a clock of the control plane that is stepped costs one backup too many at most', async () => {
  const hour = 3_600_000
  for (const byMs of [-24 * hour, -hour, hour, 24 * hour, 400 * 24 * hour]) {
    const effect = { kind: 'clock-step', place: 'ctl', byMs } as const
    const lived = await scheduled(7, [fault('scheduled', 2_000, 1, effect)])
    assertExact(lived, `${byMs} ms`)
    const { sim } = lived.simulation
    const most = Math.ceil(lived.virtualMs / schedule.backupMs) + 1
    assert.ok(sim.vault.snapshots.length <= most, `${sim.vault.snapshots.length} in ${lived.virtualMs} ms`)
  }
})

test('a clock of the vault that is stepped costs no backup and brings none', async () => {
  for (const byMs of [-86_400_000, 86_400_000]) {
    const effect = { kind: 'clock-step', place: 'client', byMs } as const
    assertKept(await scheduled(8, [fault('scheduled', 2_000, 1, effect)]), 100, `${byMs} ms`)
  }
})

test('while the vault does not answer nothing begins, and then one does', async () => {
  const effect = { kind: 'partition', place: 'client', from: 'everybody' } as const
  const lived = await scheduled(9, [fault('scheduled', 1_000, 9_000, effect)])
  const begun = begunRuns(lived.simulation.sim.durable.entries, 'backup')
  assert.ok(begun.length <= Math.ceil(lived.virtualMs / schedule.backupMs))
})

const sometimes = [
  'log:schedule-due:backup',
  'log:schedule-due:backup-verification',
  'log:schedule-passed-over',
  'log:automatic-decision:zone-failover',
  'run-finished:completed',
  'run-finished:rolled-back',
  'taken-over-in:back-up',
  'taken-over-in:restore',
]

test(`${seeds} lives in which nobody asks for a backup, under faults: a snapshot a backup, and never more than were due (seeds from ${base})`, async (t) => {
  const lives = new URL('./scheduled-lives.ts', import.meta.url)
  const { counters, failure } = await offRunner<VerificationLives>(lives, 'scheduledLives', base, seeds)
  assert.equal(failure, '')
  t.diagnostic(JSON.stringify(counters))
  const never = sometimes.filter((name) => (counters[name] ?? 0) === 0)
  assert.deepEqual(never, [], 'states that no life reached')
})
