import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventLoop } from './event-loop.ts'
import { SimRandom } from './sim-random.ts'

test('runs events in the order of virtual time, whatever the host does', async () => {
  const loop = new EventLoop(new SimRandom(1))
  const order: number[] = []
  for (const at of [500, 20, 300, 1]) loop.after(at, () => order.push(at))
  await loop.run(() => order.length === 4, 1e9)
  assert.deepEqual(order, [1, 20, 300, 500])
  assert.equal(loop.nowUs, 500)
})

test('lets code go on to its next wait before the next event, however many promises lie between', async () => {
  const loop = new EventLoop(new SimRandom(1))
  let depth = 0
  let seenByNext = -1
  const { promise, resolve } = Promise.withResolvers<void>()
  const deep = async (left: number): Promise<void> => {
    depth += 1
    if (left > 0) await deep(left - 1)
    await promise
    depth += 1
  }
  void deep(200)
  loop.after(10, () => {
    loop.awaken()
    resolve()
  })
  loop.after(11, () => {
    seenByNext = depth
  })
  await loop.run(() => seenByNext >= 0, 1e9)
  assert.equal(seenByNext, 402)
})

test('breaks ties by the seed, the same way each time', async () => {
  const orderOf = async (seed: number): Promise<string> => {
    const loop = new EventLoop(new SimRandom(seed))
    let order = ''
    for (const name of 'abcdefgh') loop.after(5, () => (order += name))
    await loop.run(() => order.length === 8, 1e9)
    return order
  }
  assert.equal(await orderOf(1), await orderOf(1))
  assert.notEqual(await orderOf(1), await orderOf(2))
})

test('says that it is stuck when nothing is left to happen', async () => {
  const loop = new EventLoop(new SimRandom(1))
  loop.after(5, () => {})
  await assert.rejects(
    loop.run(() => false, 1e9),
    /nothing is left to happen at 0\.000 s/,
  )
})

test('says that it is stuck when the time limit passes', async () => {
  const loop = new EventLoop(new SimRandom(1))
  const again = (): void => void loop.after(1000, again)
  again()
  await assert.rejects(
    loop.run(() => false, 5000),
    /time limit passed at 0\.005 s/,
  )
})

test('a cancelled event does not happen', async () => {
  const loop = new EventLoop(new SimRandom(1))
  let happened = ''
  const event = loop.after(1, () => (happened += 'x'))
  loop.after(2, () => (happened += 'y'))
  loop.cancel(event)
  await loop.run(() => happened !== '', 1e9)
  assert.equal(happened, 'y')
})
