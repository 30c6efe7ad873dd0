import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { ProbeWatch } from './probe-watch.ts'

const member = { id: 'mbr_ledger1', name: 'p1', host: 'az1', port: 5432, dataDirectory: '/data' } as const

function watching(answers: () => Promise<boolean>) {
  const time = new VirtualTime()
  const process = time.process()
  const stop = new AbortController()
  const watch = new ProbeWatch(time.world(process), { answers }, [{ member, address: '10.0.0.2' }], 100)
  const stopped = watch.run(stop.signal)
  const end = async (): Promise<void> => {
    stop.abort()
    await time.settled(stopped)
  }
  return { time, process, watch, end, silentMs: () => watch.views()[0]?.silentMs ?? -1 }
}

test('says nothing about a member before the first probe ended', async () => {
  const never = watching(async () => new Promise(() => {}))
  await never.time.pass(5_000)
  assert.deepEqual(never.watch.views(), [])
})

test('silence is the time since the newest probe that was answered began', async () => {
  let isUp = true
  const { time, silentMs, end } = watching(async () => isUp)
  await time.pass(1_000)
  assert.ok(silentMs() <= 110, `${silentMs()} ms`)
  isUp = false
  await time.pass(2_000)
  assert.ok(silentMs() >= 2_000 && silentMs() <= 2_110, `${silentMs()} ms`)
  isUp = true
  await time.pass(200)
  assert.ok(silentMs() <= 110, `${silentMs()} ms`)
  await end()
})

test('an observer that was stopped does not count that time as silence of the member', async () => {
  let isUp = true
  const { time, process, silentMs, end } = watching(async () => isUp)
  await time.pass(1_000)
  process.pause()
  isUp = false
  await time.pass(60_000)
  process.unpause()
  await time.pass(50)
  assert.ok(silentMs() < 1_500, `${silentMs()} ms after one probe that failed`)
  await time.pass(3_000)
  assert.ok(silentMs() >= 3_000, `${silentMs()} ms of silence that was measured`)
  await end()
})

test('while it is stopped its reading grows old, so that nobody counts it', async () => {
  const { time, process, watch, end } = watching(async () => false)
  await time.pass(1_000)
  process.pause()
  await time.pass(60_000)
  assert.ok((watch.views()[0]?.ageMs ?? 0) >= 60_000)
  process.unpause()
  await end()
})
