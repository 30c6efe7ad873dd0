import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventLoop } from './event-loop.ts'
import { SimDisk } from './sim-disk.ts'
import { SimRandom } from './sim-random.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array | undefined): string | undefined =>
  content === undefined ? undefined : new TextDecoder().decode(content)

function disk(seed: number): SimDisk {
  const random = new SimRandom(seed)
  return new SimDisk(new EventLoop(random), random)
}

test('a file replaced by write, sync, rename, sync of the directory survives every power cut whole', () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const one = disk(seed)
    for (const content of ['old', 'new']) {
      one.write('/f.new', bytes(content))
      one.sync('/f.new')
      one.rename('/f.new', '/f')
      if (content === 'old' || seed % 2 === 0) one.syncDirectory()
    }
    one.loseUnsynced()
    const found = text(one.read('/f'))
    assert.ok(found === 'new' || (found === 'old' && seed % 2 === 1), `seed ${seed}: ${found}`)
  }
})

test('without sync a power cut tears or empties what was written', () => {
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 300; seed += 1) {
    const one = disk(seed)
    one.write('/f.new', bytes('content'))
    one.rename('/f.new', '/f')
    one.syncDirectory()
    one.loseUnsynced()
    outcomes.add(text(one.read('/f')) ?? 'absent')
  }
  assert.ok(outcomes.size > 3, [...outcomes].join())
})

test('the n-th operation fails, and the disk works again when the fault is over', () => {
  const one = disk(1)
  one.failAfter(1, 1, 'ENOSPC')
  one.write('/f', bytes('a'))
  assert.throws(() => one.write('/f', bytes('b')), /ENOSPC/)
  one.write('/f', bytes('c'))
  assert.equal(text(one.read('/f')), 'c')
})
