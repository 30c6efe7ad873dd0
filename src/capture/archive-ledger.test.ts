import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextLine, readLedger } from './archive-ledger.ts'
import type { LedgerEntry } from './archive-ledger.ts'

const stamp = { atMs: 1_795_000_000_000, systemIdentifier: '7300000000000000001' }

function sample(count: number): { readonly bytes: Uint8Array; readonly entries: readonly LedgerEntry[] } {
  const entries: LedgerEntry[] = []
  let text = ''
  for (let index = 0; index < count; index++) {
    const { line, entry } = nextLine(
      entries.at(-1),
      {
        kind: 'segment',
        segment: `0000000100000000${index.toString(16).toUpperCase().padStart(8, '0')}`,
        timeline: 1,
        firstLsn: `0/${index.toString(16)}000000`,
        endLsn: `0/${(index + 1).toString(16)}000000`,
        bytes: 16 << 20,
        sha256: 'a'.repeat(64),
      },
      stamp,
    )
    entries.push(entry)
    text += line
  }
  return { bytes: new TextEncoder().encode(text), entries }
}

const lineOf = (bytes: Uint8Array, at: number): number =>
  bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1

test('what was written reads back, chained and without a defect', () => {
  const { bytes, entries } = sample(12)
  assert.deepEqual(readLedger(bytes), { entries, defects: [] })
  assert.deepEqual(readLedger(new Uint8Array(0)), { entries: [], defects: [] })
})

test('every changed bit is found and its line named', () => {
  const { bytes } = sample(9)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      const { defects, entries, unfinishedAt } = readLedger(changed)
      const line = lineOf(bytes, at)
      assert.equal(unfinishedAt, undefined)
      assert.deepEqual(
        defects.map((defect) => defect.line),
        [line],
      )
      assert.equal(entries.length, line - 1)
    }),
    { numRuns: 800 },
  )
})

test('a removed, repeated or exchanged entry is found', () => {
  const lines = new TextDecoder().decode(sample(6).bytes).split('\n').slice(0, -1)
  const read = (changed: readonly (string | undefined)[]) =>
    readLedger(new TextEncoder().encode(changed.map((line) => `${line}\n`).join(''))).defects
  assert.equal(read(lines.toSpliced(2, 1))[0]?.line, 3)
  assert.equal(read(lines.toSpliced(2, 0, lines[2] ?? ''))[0]?.line, 4)
  assert.equal(read([lines[0], lines[2], lines[1]])[0]?.line, 2)
})

test('an append that a crash cut short at any byte is unfinished, not tampering, and loses no entry before it', () => {
  const whole = sample(4)
  const start = sample(3).bytes.length
  for (let at = start + 1; at < whole.bytes.length; at++) {
    const cut = readLedger(whole.bytes.subarray(0, at))
    assert.equal(cut.unfinishedAt, start, `cut at ${at}`)
    assert.deepEqual(cut.defects, [])
    assert.equal(cut.entries.length, 3)
    // The file system may have made the file longer before it had the bytes.
    const zeros = new Uint8Array(whole.bytes.length)
    zeros.set(whole.bytes.subarray(0, at))
    assert.equal(readLedger(zeros).unfinishedAt, start, `zeros from ${at}`)
  }
})

test('a ledger whose end was cut off cleanly is found by a head that was noted elsewhere', () => {
  const { bytes, entries } = sample(5)
  const shorter = sample(3).bytes
  const anchor = entries[4]
  assert.ok(anchor)
  assert.deepEqual(readLedger(bytes, anchor).defects, [])
  assert.equal(readLedger(shorter, anchor).defects[0]?.line, 5)
})
