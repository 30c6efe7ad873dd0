import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capturingEstate } from '../../../test/support/capturing-estate.ts'
import type { LeaderRecord } from '../../domain/leader-record.ts'
import type { CaptureView } from '../../ports/kept-copies.ts'
import type { ControlPlaneStatus } from '../../server/status-wire.ts'
import { shownCopies } from '../copies/known-copies.ts'
import { copiesText } from './copies-text.ts'
import { paintFor } from './paint.ts'

const estate = capturingEstate({ synchronous: true })

function shown(protection: CaptureView['protection'], leader: Partial<LeaderRecord>): string {
  const capture = {
    protection,
    source: '10.0.0.1:5432',
    timeline: 1,
    durableLsn: null,
    exposedMs: 40,
    alarms: [],
  }
  const found = { systemIdentifier: '73', snapshots: [], broken: [], brokenBefore: [], problems: [] }
  const copies = [{ component: 'cmp_ledger', ...found, readAgeMs: 1, capture }]
  const status = {
    clusters: [
      { component: 'cmp_ledger', leader: { publishedSync: ['p2', 'p3'], publishedCount: 1, ...leader } },
    ],
    hosts: [{ host: 'client', ageMs: 10, view: { copies } }],
  } as unknown as ControlPlaneStatus
  return copiesText(estate, shownCopies(estate, status), paintFor({ hasColour: false }))
}

test('nothing would be lost only where every commit waits for the archive; among others it may lack the last', () => {
  const publishedSync = ['p2', 'p3', 'wal']
  assert.match(
    shown({ kind: 'sync' }, { publishedSync, publishedCount: 3 }),
    /sync \(3 of 3\) from .*no acknowledged commit/,
  )
  const some = shown({ kind: 'sync' }, { publishedSync, publishedCount: 2 })
  assert.match(some, /sync \(2 of 3\) from .*at most 40 ms/)
  assert.doesNotMatch(some, /no acknowledged commit/)
})

test('streaming says how many bytes are exposed, degraded since when', () => {
  assert.match(shown({ kind: 'streaming', exposedBytes: 71 }, {}), /streaming from .*at most 40 ms, 71 bytes/)
  const degraded = { kind: 'degraded', sinceMs: 0, reason: 'gone' } as const
  assert.match(shown(degraded, {}), /degraded since 1970-01-01T00:00:00Z/)
})
