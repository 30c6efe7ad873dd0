import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { VirtualTime } from '../../test/support/virtual-world.ts'
import { openLedger } from './ledger-writer.ts'
import type { LedgerWriter } from './ledger-writer.ts'

const system = '7000000000000000001'
const part = { timeline: 1, firstLsn: '0/0', endLsn: '0/1000', bytes: 4096, sha256: 'a'.repeat(64) }

test('says which files it lists, of each kind by its own name, also after it was opened again', async () => {
  const archive = new MemoryArchive()
  const { clock } = new VirtualTime().world()
  const first = await openLedger(archive, clock, system)
  const segment = '000000010000000000000001'
  const isListed = (ledger: LedgerWriter) => [
    ledger.lists('segment', segment),
    ledger.lists('tail', segment),
    ledger.lists('history', 2),
    ledger.lists('conflict', 'conflict/x'),
  ]
  assert.deepEqual(isListed(first), [false, false, false, false])
  await first.append({ kind: 'gap', timeline: 1, firstLsn: '0/0', endLsn: '0/1000' })
  await first.append({ kind: 'segment', segment, ...part })
  assert.deepEqual(isListed(first), [true, false, false, false])
  await first.append({ kind: 'tail', segment, ...part })
  await first.append({ kind: 'history', timeline: 2, bytes: 40, sha256: part.sha256 })
  await first.append({ kind: 'conflict', segment, lsn: '0/10', path: 'conflict/x', sha256: part.sha256 })
  assert.deepEqual(isListed(first), [true, true, true, true])
  assert.equal(first.lists('history', 3), false)
  await first.close()
  const second = await openLedger(archive, clock, system)
  assert.deepEqual(isListed(second), [true, true, true, true])
  // Chained to what was there before.
  await second.append({ kind: 'segment', segment: '000000010000000000000002', ...part })
  await second.close()
  assert.equal((await openLedger(archive, clock, system)).lists('segment', '000000010000000000000002'), true)
})
