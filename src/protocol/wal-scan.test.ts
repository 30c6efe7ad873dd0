import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WalLayout } from '../../test/support/wal-layout.ts'
import { crc32c } from './crc32c.ts'
import { recordContent } from './wal-record-content.ts'
import { firstRecordAt, scanWal } from './wal-scan.ts'
import type { WalRecord } from './wal-scan.ts'

const segmentBytes = 1 << 20
const base = 3 * segmentBytes

function layOut(payloads: readonly Uint8Array[]): {
  readonly bytes: Uint8Array
  readonly starts: readonly number[]
} {
  const bytes = new Uint8Array(segmentBytes)
  const layout = new WalLayout(bytes, { timeline: 1, start: base, segmentBytes, system: '42' })
  return { bytes, starts: payloads.map((main) => layout.put({ xid: 7, manager: 10, main })) }
}

const payloads = fc.array(
  fc
    .integer({ min: 0, max: 30_000 })
    .map((size) => new Uint8Array(size).map((_, index) => (index * 31 + size) & 0xff)),
  { minLength: 1, maxLength: 15 },
)

test('CRC-32C is the one of RFC 3720', () => {
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
})

test('records come back as they were written, over page ends, whatever the window', () => {
  fc.assert(
    fc.property(payloads, fc.nat(segmentBytes), (all, cut) => {
      const { bytes, starts } = layOut(all)
      const seen: WalRecord[] = []
      const whole = scanWal({ bytes, start: base, segmentBytes }, { from: base }, (record) =>
        seen.push(record),
      )
      assert.equal(whole.reason, 'zeros')
      assert.deepEqual(
        seen.map(({ start }) => start),
        starts,
      )
      assert.deepEqual(
        seen.map((record) => recordContent(record)?.main),
        all,
      )
      const some: number[] = []
      const part = scanWal(
        { bytes: bytes.subarray(0, cut), start: base, segmentBytes },
        { from: base },
        ({ start }) => some.push(start),
      )
      assert.deepEqual(some, starts.slice(0, some.length))
      assert.ok(part.next <= base + cut || part.reason === 'zeros')
    }),
    { numRuns: 40 },
  )
})

test('a changed bit ends the scan before its record, and no bytes at all make it throw', () => {
  const { bytes, starts } = layOut(
    Array.from({ length: 30 }, (_, index) => new Uint8Array(index * 200).fill(index)),
  )
  const originals = new Map<number, Uint8Array>()
  scanWal({ bytes, start: base, segmentBytes }, { from: base }, (record) => {
    originals.set(record.start, record.bytes())
  })
  const end = (starts.at(-1) ?? 0) - base + 29 + 29 * 200
  fc.assert(
    fc.property(fc.nat(end - 1), fc.nat(7), (at, bit) => {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      const seen: WalRecord[] = []
      scanWal({ bytes: changed, start: base, segmentBytes }, { from: base }, (record) => seen.push(record))
      // Bytes between records and unused ones of page headers mean nothing; a record that was handed out is as it was written.
      for (const record of seen)
        assert.equal(Buffer.compare(record.bytes(), originals.get(record.start) ?? new Uint8Array(0)), 0)
    }),
    { numRuns: 400 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (noise) => {
      const window = { bytes: noise, start: base, segmentBytes }
      scanWal(window, { from: base + 40 }, () => undefined)
      firstRecordAt(window, base)
      recordContent({ bytes: () => noise })
    }),
  )
})
