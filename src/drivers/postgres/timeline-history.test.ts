import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLsn } from '../../domain/lsn.ts'
import { commonPoint, divergence, parseTimelineHistory, timelineHistoryFile } from './timeline-history.ts'

const history = parseTimelineHistory(`1\t0/3000000\tno recovery target specified

# a comment
2\t0/5000060\tno recovery target specified
`)
const upstream = { timeline: 3, lsn: parseLsn('0/6000000') }
const at = (timeline: number, lsn: string) => divergence({ timeline, lsn: parseLsn(lsn) }, upstream, history)

test('reads a history file', () => {
  assert.deepEqual(history, [
    { timeline: 1, end: '0/3000000' },
    { timeline: 2, end: '0/5000060' },
  ])
  assert.equal(timelineHistoryFile(26), '0000001A.history')
})

test('a copy whose WAL is all part of the upstream can follow it', () => {
  assert.equal(at(1, '0/3000000'), undefined)
  assert.equal(at(2, '0/5000060'), undefined)
  assert.equal(at(3, '0/6000000'), undefined)
})

test('one byte beyond the fork is another history', () => {
  assert.match(at(2, '0/5000061') ?? '', /ends at 0\/5000060/)
  assert.match(at(1, '0/5000000') ?? '', /timeline 1/)
})

test('being ahead of the upstream, or on a timeline that it never was on, is another history', () => {
  assert.match(at(3, '0/6000001') ?? '', /ahead/)
  assert.match(at(4, '0/1000000') ?? '', /no ancestor/)
})

test('two histories are common up to where the first of them left the other', () => {
  const chain = (...ends: (readonly [number, string])[]) =>
    ends.map(([timeline, end]) => ({ timeline, end: parseLsn(end) }))
  const up = chain([1, '0/3'], [2, '0/5'], [4, '0/9'])
  assert.deepEqual(commonPoint(chain([1, '0/3'], [2, '0/7']), up), { timeline: 2, lsn: '0/5' })
  assert.deepEqual(commonPoint(chain([1, '0/3'], [2, '0/5'], [3, '0/8']), up), { timeline: 2, lsn: '0/5' })
  assert.deepEqual(commonPoint(chain([1, '0/2'], [3, '0/8']), up), { timeline: 1, lsn: '0/2' })
  assert.deepEqual(commonPoint(chain([1, '0/3'], [2, '0/5'], [4, '0/B']), up), { timeline: 4, lsn: '0/9' })
  assert.equal(commonPoint(chain([7, '0/3']), up), undefined)
})
