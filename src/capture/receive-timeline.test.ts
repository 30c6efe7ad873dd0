import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { SystemClock } from '../platform/system-clock.ts'
import type { ReplicationStream } from '../protocol/postgres-replication.ts'
import type { ReplicationMessage, StandbyStatus } from '../protocol/replication-message.ts'
import { MemoryArchive } from '../../test/support/memory-archive.ts'
import { receiveTimeline } from './receive-timeline.ts'
import { lsnOf, positionOf, segmentName } from './wal-position.ts'
import { WalWriter } from './wal-writer.ts'

const segmentBytes = 1 << 20
const start = 5 * segmentBytes
const options = { statusIntervalMs: 10_000, silenceMs: 60_000, unsyncedBytesMax: 1 << 18 }

function walOf(sizes: readonly number[]): readonly ReplicationMessage[] {
  let at = start
  return sizes.map((size, index) => {
    const bytes = new Uint8Array(size).fill(index + 1)
    const message = {
      kind: 'wal',
      start: lsnOf(at),
      serverEnd: lsnOf(at + size),
      sentAtMicroseconds: 1n,
      bytes,
    } as const
    at += size
    return message
  })
}

/** A server that sends its messages with pauses, and notes what it was told and what was durable then. */
function serverOf(
  messages: readonly ReplicationMessage[],
  pause: (index: number) => Promise<void>,
  onStatus: (status: StandbyStatus) => void,
): ReplicationStream {
  return {
    messages: {
      async *[Symbol.asyncIterator]() {
        for (const [index, message] of messages.entries()) {
          await pause(index)
          yield message
        }
      },
    },
    sendStatus: async (status) => onStatus(status),
    finish: async () => undefined,
  }
}

/** Up to the first piece of 512 bytes that is not durable. */
function durableTo(archive: MemoryArchive, messages: readonly ReplicationMessage[]): number {
  let end = start
  for (const message of messages) {
    if (message.kind !== 'wal') continue
    for (let done = 0; done < message.bytes.length;) {
      const inSegment = end % segmentBytes
      const size = Math.min(512, message.bytes.length - done, segmentBytes - inSegment)
      const name = `wal/${segmentName(1, end, segmentBytes)}`
      const file = archive.files.get(name) ?? archive.files.get(`${name}.partial`)
      const found = file?.durable.subarray(inSegment, inSegment + size) ?? new Uint8Array(0)
      if (Buffer.compare(found, message.bytes.subarray(done, done + size)) !== 0) return end
      done += size
      end += size
    }
  }
  return end
}

test('no position is acknowledged that a power cut would take back, over segment ends and slow syncs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 9 }),
      fc.nat(3),
      async (sizes, slow) => {
        const archive = new MemoryArchive()
        archive.beforeSync = async () => {
          for (let left = slow; left > 0; left--) await turn()
        }
        const messages = walOf(sizes)
        const writer = new WalWriter(archive, {
          timeline: 1,
          segmentBytes,
          start,
          heldUntil: 0,
          onSegment: () => undefined,
        })
        let last = start
        const server = serverOf(
          messages,
          async (index) => (index % 3 === slow ? turn() : undefined),
          ({ flushed }) => {
            const claimed = positionOf(flushed)
            assert.ok(claimed <= durableTo(archive, messages), `${flushed} was acknowledged too early`)
            assert.ok(claimed >= last)
            last = claimed
          },
        )
        await receiveTimeline(new SystemClock(), server, writer, options, () => undefined)
        await writer.close()
        const end = start + sizes.reduce((total, size) => total + size, 0)
        assert.equal(last, end, 'everything is acknowledged in the end')
        assert.equal(durableTo(archive, messages), end)
      },
    ),
    { numRuns: 10 },
  )
})

test('what arrives during a sync rides on the next one', async () => {
  const archive = new MemoryArchive()
  const gate = Promise.withResolvers<void>()
  archive.beforeSync = async () => gate.promise
  const messages = walOf(Array.from({ length: 200 }, () => 100))
  const writer = new WalWriter(archive, {
    timeline: 1,
    segmentBytes,
    start,
    heldUntil: 0,
    onSegment: () => undefined,
  })
  const server = serverOf(
    messages,
    async (index) => {
      if (index === 1) await turn()
      if (index === 199) gate.resolve()
    },
    () => undefined,
  )
  await receiveTimeline(new SystemClock(), server, writer, options, () => undefined)
  await writer.close()
  const spareSyncs = 1
  assert.ok(archive.syncs - spareSyncs <= 4, `${archive.syncs} syncs for 200 messages`)
})

test('bytes that are held are compared: the same go on, others are refused and kept, and nothing is changed', async () => {
  const archive = new MemoryArchive()
  const write = async (fill: number, heldUntil: number): Promise<WalWriter> => {
    const writer = new WalWriter(archive, {
      timeline: 1,
      segmentBytes,
      start,
      heldUntil,
      onSegment: () => undefined,
    })
    await writer.write(start, new Uint8Array(1000).fill(fill))
    await writer.flush()
    await writer.close()
    return writer
  }
  await write(7, 0)
  assert.equal((await write(7, start + 1000)).flushed, start + 1000)
  await assert.rejects(write(8, start + 1000), { code: 'WAL_CONFLICT', class: 'refused' })
  const held = await archive.read('wal/000000010000000000000005.partial', 0, 1000)
  assert.ok(held.every((byte) => byte === 7))
  assert.equal((await archive.list('conflicts')).length, 1)
  // Beyond what is held a crash may have left anything.
  assert.equal((await write(9, 0)).flushed, start + 1000)
})

test('a server that says nothing is given up, one that sends only keepalives is not', async () => {
  const archive = new MemoryArchive()
  const quick = { ...options, statusIntervalMs: 20, silenceMs: 150 }
  const writer = new WalWriter(archive, {
    timeline: 1,
    segmentBytes,
    start,
    heldUntil: 0,
    onSegment: () => undefined,
  })
  const clock = new SystemClock()
  const keepalive = {
    kind: 'keepalive',
    serverEnd: lsnOf(start),
    sentAtMicroseconds: 1n,
    replyRequested: false,
  } as const
  const idle = serverOf(
    Array.from({ length: 10 }, () => keepalive),
    async () => clock.sleep(40),
    () => undefined,
  )
  assert.equal(await receiveTimeline(clock, idle, writer, quick, () => undefined), undefined)
  const gone = new AbortController()
  const dead = serverOf(
    [keepalive],
    async () => clock.sleep(60_000, gone.signal),
    () => undefined,
  )
  await assert.rejects(
    receiveTimeline(clock, dead, writer, quick, () => undefined),
    { code: 'CAPTURE_SILENT' },
  )
  gone.abort()
})
