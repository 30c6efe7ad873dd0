import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readClock } from '../../test/support/clock-entries.ts'
import { setImmediate as turn } from 'node:timers/promises'
import { SystemClock } from '../platform/system-clock.ts'
import type { ReplicationStream } from '../protocol/postgres-replication.ts'
import type { ReplicationMessage } from '../protocol/replication-message.ts'
import { FailingArchive } from '../../test/support/failing-archive.ts'
import { failEveryCall, FaultPlan } from '../../test/support/fault-plan.ts'
import { keepBooks, sampleIdentity, writeSegments } from '../../test/support/sample-archive.ts'
import { sampleWal } from '../../test/support/sample-wal.ts'
import { loadLedger } from './ledger-writer.ts'
import { receiveTimeline } from './receive-timeline.ts'
import { lsnOf, positionOf, segmentName } from './wal-position.ts'
import { WalWriter } from './wal-writer.ts'

const segmentBytes = 1 << 20
const start = 5 * segmentBytes
const options = { statusIntervalMs: 10_000, silenceMs: 60_000, unsyncedBytesMax: 1 << 20 }
const pieces = [300_000, 500_000, 200_000, 100_000, 40_000, 60_000].map((size, index) =>
  new Uint8Array(size).fill(index + 1),
)
const totalBytes = pieces.reduce((total, { length }) => total + length, 0)

/** A server that asks for an answer after every message, and notes how far the archive acknowledged. */
class AskingServer {
  acknowledged = start
  readonly #archive: FailingArchive

  constructor(archive: FailingArchive) {
    this.#archive = archive
  }

  stream(): ReplicationStream {
    return {
      messages: { [Symbol.asyncIterator]: () => messages() },
      sendStatus: async ({ flushed }) => {
        const claimed = positionOf(flushed)
        const durable = durableTo(this.#archive)
        assert.ok(claimed <= durable, `${claimed - start} acknowledged, ${durable - start} durable`)
        this.acknowledged = Math.max(this.acknowledged, claimed)
      },
      finish: async () => undefined,
    }
  }
}

async function* messages(): AsyncGenerator<ReplicationMessage, void, undefined> {
  let at = start
  const asked = { kind: 'keepalive', sentAtMicroseconds: 1n, replyRequested: true } as const
  for (const bytes of pieces) {
    const serverEnd = lsnOf(at + bytes.length)
    yield { kind: 'wal', start: lsnOf(at), serverEnd, sentAtMicroseconds: 1n, bytes }
    yield { ...asked, serverEnd }
    await turn()
    yield { ...asked, serverEnd }
    at += bytes.length
  }
}

/** Up to the first piece of 500 bytes that a power cut would take a part of. Asked after every message: what is equal is compared at once. */
function durableTo(archive: FailingArchive): number {
  let at = start
  for (const bytes of pieces) {
    for (let done = 0; done < bytes.length;) {
      const inSegment = at % segmentBytes
      const rest = bytes.subarray(done, done + segmentBytes - inSegment)
      const name = `wal/${segmentName(1, at, segmentBytes)}`
      const file = archive.files.get(name) ?? archive.files.get(`${name}.partial`)
      const found = file?.durable.subarray(inSegment, inSegment + rest.length) ?? new Uint8Array(0)
      if (Buffer.compare(found, rest) !== 0) return at + equalPieces(found, rest)
      done += rest.length
      at += rest.length
    }
  }
  return at
}

function equalPieces(one: Uint8Array, other: Uint8Array): number {
  const isEqual = (at: number): boolean =>
    Buffer.compare(one.subarray(at, at + 500), other.subarray(at, at + 500)) === 0
  let at = 0
  while (at < other.length && isEqual(at)) at += 500
  return Math.min(at, other.length)
}

/** What a process that starts again finds: as much as reads back, durable or not. */
function heldIn(archive: FailingArchive): number {
  for (let at = start; at < start + totalBytes; at += segmentBytes) {
    const name = `wal/${segmentName(1, at, segmentBytes)}`
    if (archive.files.has(name)) continue
    const content = archive.files.get(`${name}.partial`)?.content ?? new Uint8Array(0)
    const lastWritten = content.findLastIndex((byte) => byte !== 0)
    return at + lastWritten + 1
  }
  return start + totalBytes
}

async function receive(archive: FailingArchive, heldUntil: number): Promise<AskingServer> {
  const server = new AskingServer(archive)
  const writer = new WalWriter(archive, {
    ...{ timeline: 1, segmentBytes, start, heldUntil },
    onSegment: () => undefined,
  })
  try {
    await receiveTimeline(new SystemClock(), server.stream(), writer, options, () => undefined)
  } finally {
    await writer.close()
    // The abandoned reader may have a message left.
    for (let left = 40; left > 0; left--) await turn()
  }
  return server
}

test('whatever call of the receiver fails: nothing is acknowledged that is not durable, then or after a restart', async () => {
  const calls = await failEveryCall(['EIO', 'ENOSPC'], async (plan) => {
    const archive = new FailingArchive()
    archive.plan = plan
    let failure: unknown
    await receive(archive, start).catch((error: unknown) => (failure = error))
    const isSpare = plan.failed?.includes('spare') === true
    if (plan.failed !== undefined && !isSpare) {
      assert.ok(failure instanceof Error, `${plan.failed} was not noticed`)
      assert.match(failure.message, new RegExp(plan.code))
    }
    assert.equal(plan.openFiles, 0, `a file stays open after ${plan.failed}`)
    archive.plan = new FaultPlan()
    const { acknowledged } = await receive(archive, heldIn(archive))
    assert.equal(acknowledged, start + totalBytes, `after ${plan.failed}`)
    assert.equal(archive.plan.openFiles, 0)
  })
  assert.ok(calls >= 25, `${calls} calls`)
})

test('after a failed sync nothing is acknowledged any more, whatever is written and synced later', async () => {
  const archive = new FailingArchive()
  const writer = new WalWriter(archive, {
    ...{ timeline: 1, segmentBytes, start, heldUntil: start },
    onSegment: () => undefined,
  })
  await writer.write(start, new Uint8Array(5000).fill(1))
  await writer.flush()
  await writer.write(start + 5000, new Uint8Array(5000).fill(2))
  archive.plan.failNext('EIO')
  await assert.rejects(writer.flush(), /EIO: sync/)
  await assert.rejects(writer.write(start + 10_000, new Uint8Array(segmentBytes).fill(3)), /EIO: sync/)
  await assert.rejects(writer.flush(), /EIO: sync/)
  assert.equal(writer.flushed, start + 5000)
  await writer.close()
  assert.equal(archive.plan.openFiles, 0)
})

test('whatever call of the bookkeeping fails: no file stays open, and the next process writes whole books', async () => {
  // It goes over into another file of the clock.
  const wal = sampleWal({ start: 0x1_0000_0000 - (1 << 20), commits: 60, workBytes: 40_000 })
  const calls = await failEveryCall(['EIO', 'ENOSPC'], async (plan) => {
    const archive = new FailingArchive()
    await writeSegments(archive, wal)
    archive.plan = plan
    let failure: unknown
    await keepBooks(archive).catch((error: unknown) => (failure = error))
    if (plan.failed !== undefined) assert.ok(failure instanceof Error, `${plan.failed} was not noticed`)
    assert.equal(plan.openFiles, 0, `a file stays open after ${plan.failed}`)
    archive.plan = new FaultPlan()
    await keepBooks(archive)
    const { entries, defects, unfinishedAt } = await loadLedger(archive)
    assert.deepEqual([defects, unfinishedAt], [[], undefined], `after ${plan.failed}`)
    assert.deepEqual(
      entries.map((entry) => entry.kind),
      ['segment', 'segment'],
    )
    const clock = await readClock(archive, sampleIdentity)
    assert.deepEqual(
      clock.map(({ start: at, xid }) => [at, xid]),
      wal.commits.map(({ start: at, xid }) => [at, xid]),
      `after ${plan.failed}`,
    )
  })
  assert.ok(calls >= 20, `${calls} calls`)
})
