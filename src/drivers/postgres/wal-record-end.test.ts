import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLsn } from '../../domain/lsn.ts'
import { recordEnd, segmentName } from './wal-record-end.ts'

const segmentBytes = 16 << 20
const end = (start: string, length: number): string => recordEnd(parseLsn(start), length, segmentBytes)

test('a record ends aligned', () => {
  assert.equal(end('0/1000028', 114), '0/10000A0')
})

test('a record that fills its page ends at the page, not behind the next header', () => {
  assert.equal(end('0/1001F88', 120), '0/1002000')
})

test('a record goes on behind the header of the next page or segment', () => {
  assert.equal(end('0/1001FC0', 120), `0/1002${(24 + 56).toString(16).toUpperCase().padStart(3, '0')}`)
  assert.equal(end('0/1FFFFC0', 120), `0/2000${(40 + 56).toString(16).toUpperCase().padStart(3, '0')}`)
})

test('names the segment that holds a position', () => {
  assert.equal(segmentName(26, 0x1_0500_0060n, segmentBytes), '0000001A0000000100000005')
  assert.equal(segmentName(1, 0xffff_ffffn, 1 << 20), '000000010000000000000FFF')
})
