import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clockFileOf, decodeClockEntries, encodeClockEntry, encodeClockHeader } from './commit-clock.ts'
import { isClockHeader } from './commit-clock.ts'
import type { ClockEntry } from './commit-clock.ts'

const systemIdentifier = '7300000000000000001'
const file = { timeline: 3, log: 7 }

const entries = fc.array(
  fc.record({
    kind: fc.constantFrom<ClockEntry['kind']>(
      'commit',
      'abort',
      'prepare',
      'commit-prepared',
      'restore-point',
      'alive',
      'database-drop',
    ),
    timeline: fc.constant(3),
    start: fc.nat(0xffff_0000).map((low) => 7 * 0x1_0000_0000 + low),
    span: fc.nat(100_000),
    xid: fc.nat(0xffff_ffff),
    timeMicroseconds: fc.integer({ min: 0, max: 4e15 }),
    subtransactions: fc.array(fc.nat(0xffff_ffff), { maxLength: 5 }),
    name: fc.string({ maxLength: 20, unit: 'grapheme' }),
  }),
)

function written(of: readonly ClockEntry[]): Uint8Array {
  return new Uint8Array(Buffer.concat(of.map(encodeClockEntry)))
}

test('entries read back as they were written, and a torn or changed one ends what is believed', () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (some, where, mask) => {
      const all = some.map(({ span, ...entry }) => ({ ...entry, end: entry.start + span }))
      const bytes = written(all)
      const whole = decodeClockEntries(bytes, file)
      assert.deepEqual([whole.entries, whole.trueBytes], [all, bytes.length])
      if (bytes.length === 0) return
      const at = where % bytes.length
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ mask
      for (const damaged of [bytes.subarray(0, at), changed]) {
        const read = decodeClockEntries(damaged, file)
        assert.ok(read.trueBytes <= at)
        assert.deepEqual(read.entries, all.slice(0, read.entries.length))
      }
    }),
  )
})

test('a clock of another system or timeline is not believed', () => {
  const header = encodeClockHeader(file, systemIdentifier)
  assert.ok(isClockHeader(header, file, systemIdentifier))
  assert.ok(!isClockHeader(header, file, '1'))
  assert.ok(!isClockHeader(header, { ...file, timeline: 4 }, systemIdentifier))
  for (let at = 0; at < header.length; at++) {
    const changed = header.slice()
    changed[at] = (changed[at] as number) ^ 1
    assert.ok(!isClockHeader(changed, file, systemIdentifier), `byte ${at}`)
  }
  assert.deepEqual(clockFileOf({ timeline: 3, start: 7 * 0x1_0000_0000 + 1 }), file)
})
