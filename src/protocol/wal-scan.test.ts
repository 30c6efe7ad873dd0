import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crc32c, crc32cSeed, finishCrc32c, updateCrc32c } from './crc32c.ts'
import { longPageHeaderBytes, shortPageHeaderBytes, walPageBytes } from './wal-page.ts'
import { recordContent } from './wal-record-content.ts'
import { firstRecordAt, scanWal } from './wal-scan.ts'
import type { WalRecord } from './wal-scan.ts'

const segmentBytes = 1 << 20
const base = 3 * segmentBytes

/** WAL as a server lays it out: pages with headers, records cut at page ends, each naming the one before. */
function layOut(payloads: readonly Uint8Array[]): {
  readonly bytes: Uint8Array
  readonly starts: readonly number[]
} {
  const bytes = new Uint8Array(segmentBytes)
  const view = new DataView(bytes.buffer)
  const starts: number[] = []
  let at = 0
  const header = (left: number): void => {
    const isFirst = at === 0
    view.setUint16(at, 0xd110, true)
    view.setUint16(at + 2, (isFirst ? 2 : 0) | (left > 0 ? 1 : 0), true)
    view.setUint32(at + 4, 1, true)
    view.setBigUint64(at + 8, BigInt(base + at), true)
    view.setUint32(at + 16, left, true)
    if (isFirst) {
      view.setBigUint64(24, 42n, true)
      view.setUint32(32, segmentBytes, true)
      view.setUint32(36, walPageBytes, true)
    }
    at += isFirst ? longPageHeaderBytes : shortPageHeaderBytes
  }
  for (const payload of payloads) {
    if (at % walPageBytes === 0) header(0)
    const record = recordOf(payload, starts.at(-1) ?? 0)
    starts.push(base + at)
    for (let done = 0; done < record.length;) {
      if (at % walPageBytes === 0) header(record.length - done)
      const room = Math.min(walPageBytes - (at % walPageBytes), record.length - done)
      bytes.set(record.subarray(done, done + room), at)
      done += room
      at += room
    }
    at = Math.ceil(at / 8) * 8
  }
  return { bytes, starts }
}

function recordOf(payload: Uint8Array, previous: number): Uint8Array {
  const record = new Uint8Array(24 + 5 + payload.length)
  const view = new DataView(record.buffer)
  view.setUint32(0, record.length, true)
  view.setUint32(4, 7, true)
  view.setBigUint64(8, BigInt(previous), true)
  view.setUint8(17, 10)
  view.setUint8(24, 254)
  view.setUint32(25, payload.length, true)
  record.set(payload, 29)
  const sum = updateCrc32c(updateCrc32c(crc32cSeed, record, 24), record, 0, 20)
  view.setUint32(20, finishCrc32c(sum), true)
  return record
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
    originals.set(record.start, record.bytes)
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
        assert.equal(Buffer.compare(record.bytes, originals.get(record.start) ?? new Uint8Array(0)), 0)
    }),
    { numRuns: 400 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (noise) => {
      const window = { bytes: noise, start: base, segmentBytes }
      scanWal(window, { from: base + 40 }, () => undefined)
      firstRecordAt(window, base)
      recordContent({ bytes: noise })
    }),
  )
})
