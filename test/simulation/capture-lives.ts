import assert from 'node:assert/strict'
import { archiveEnds } from '../../src/capture/archive-end.ts'
import { walFolder, writeIdentity, readIdentity } from '../../src/capture/archive-layout.ts'
import { Archivist } from '../../src/capture/archivist.ts'
import { readClock } from '../support/clock-entries.ts'
import { loadLedger } from '../../src/capture/ledger-writer.ts'
import { receiveTimeline } from '../../src/capture/receive-timeline.ts'
import { startPosition } from '../../src/capture/start-position.ts'
import { lsnOf, positionOf, segmentName, segmentStart } from '../../src/capture/wal-position.ts'
import { WalWriter } from '../../src/capture/wal-writer.ts'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import type { ReplicationStream } from '../../src/protocol/postgres-replication.ts'
import type { ReplicationMessage } from '../../src/protocol/replication-message.ts'
import { EventLoop } from '../../src/simulation/event-loop.ts'
import { SimArchive } from '../../src/simulation/sim-archive.ts'
import { SimClock } from '../../src/simulation/sim-clock.ts'
import { SimHost } from '../../src/simulation/sim-host.ts'
import { SimProcess } from '../../src/simulation/sim-process.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { sampleIdentity } from '../support/sample-archive.ts'
import { sampleSegmentBytes as segmentBytes, sampleWal } from '../support/sample-wal.ts'

const options = { statusIntervalMs: 500, silenceMs: 3000, unsyncedBytesMax: 1 << 18 }
/** The last one goes over into another file of the clock, so that the one before it gets its summary. */
const nextLog = 0x1_0000_0000
const sent = [
  { workBytes: 90_000, start: 5 * segmentBytes },
  { workBytes: 30_000, start: 5 * segmentBytes },
  { workBytes: 7000, start: nextLog - segmentBytes },
].map(({ workBytes, start }) => sampleWal({ start, commits: Math.ceil(1_150_000 / workBytes), workBytes }))
type SentWal = (typeof sent)[number]

class SourceEnded extends RecoveryError {
  constructor() {
    super({ code: 'PG_UNREACHABLE', class: 'transient', message: 'the source ended', hint: 'again' })
  }
}

/** A server that makes WAL, is cut off and comes back, and keeps nothing that was acknowledged. */
class Source {
  readonly wal: SentWal
  acknowledged: number
  /** Durable then: what has to be there whatever happens. */
  readonly #loop: EventLoop
  readonly #random: SimRandom
  readonly #beginsUs: number

  constructor(loop: EventLoop, random: SimRandom, wal: SentWal) {
    this.#loop = loop
    this.#random = random
    this.wal = wal
    this.acknowledged = wal.start
    this.#beginsUs = loop.nowUs
  }

  /** Grows for two seconds. */
  get end(): number {
    const { start, end } = this.wal
    return Math.min(end, start + Math.floor(((end - start) * (this.#loop.nowUs - this.#beginsUs)) / 2e6))
  }

  stream(from: number, process: SimProcess): ReplicationStream {
    assert.ok(from >= segmentStart(this.acknowledged, segmentBytes), 'it asks for what it acknowledged')
    return {
      messages: { [Symbol.asyncIterator]: () => this.#messages(from, process) },
      sendStatus: async ({ flushed }) => {
        const position = positionOf(flushed)
        assert.ok(position <= this.end, 'nothing is acknowledged that was not sent')
        if (process.isAlive) this.acknowledged = Math.max(this.acknowledged, position)
      },
      finish: async () => undefined,
    }
  }

  async *#messages(from: number, process: SimProcess): AsyncGenerator<ReplicationMessage, void, undefined> {
    for (let at = from; ;) {
      const pause = Promise.withResolvers<void>()
      this.#loop.after(this.#random.between(500, 60_000), () => process.resume(() => pause.resolve()))
      await pause.promise
      if (this.#random.chance(0.02)) throw new SourceEnded()
      const { end } = this
      const length = Math.min(end - at, this.#random.pick([200, 9000, 70_000, 300_000]))
      const common = { serverEnd: lsnOf(end), sentAtMicroseconds: 1n }
      if (length <= 0) yield { kind: 'keepalive', ...common, replyRequested: this.#random.chance(0.5) }
      else {
        const offset = at - this.wal.start
        yield {
          kind: 'wal',
          start: lsnOf(at),
          ...common,
          bytes: this.wal.bytes.slice(offset, offset + length),
        }
        at += length
      }
    }
  }
}

interface Life {
  readonly loop: EventLoop
  readonly random: SimRandom
  readonly host: SimHost
  readonly source: Source
}

function born(seed: number): Life {
  const random = new SimRandom(seed)
  const loop = new EventLoop(random)
  const host = new SimHost(loop, random, { name: 'vault', zone: 'outside', address: '10.0.0.7' })
  return { loop, random, host, source: new Source(loop, random.fork('source'), random.pick(sent)) }
}

function archiveOf({ loop, random, host }: Life, process: SimProcess): SimArchive {
  assert.equal(process.host, host)
  return new SimArchive({ loop, process, random: random.fork(`disk ${loop.events}`) })
}

/** What `pointzero capture` does in a process: bind, catch up, receive, keep the books. */
async function capture(life: Life, process: SimProcess): Promise<void> {
  const archive = archiveOf(life, process)
  const clock = new SimClock(life.loop, process, life.random.between(1, 1e6))
  const log = { info: () => undefined, warn: () => undefined }
  if ((await readIdentity(archive)) === undefined) await writeIdentity(archive, sampleIdentity)
  const archivist = await Archivist.open({ archive, clock, log }, sampleIdentity)
  for (;;) {
    const { source } = life
    const ends = await archiveEnds(archive, segmentBytes)
    const view = {
      timeline: 1,
      flushed: source.end,
      lineage: [{ timeline: 1, end: Number.POSITIVE_INFINITY }],
    }
    const at = startPosition(ends, view, segmentBytes) ?? {
      timeline: 1,
      start: source.wal.start,
      heldUntil: 0,
    }
    await archive.syncFolder()
    const onSegment = (name: string): void => archivist.note({ kind: 'segment', name })
    const writer = new WalWriter(archive, { ...at, segmentBytes, onSegment })
    try {
      await receiveTimeline(clock, source.stream(at.start, process), writer, options, (progress) =>
        archivist.note({ kind: 'progress', timeline: 1, ...progress }),
      )
    } catch (error) {
      if (!(error instanceof RecoveryError) || error.class !== 'transient') throw error
    } finally {
      await writer.close()
    }
    await archivist.settled()
    await clock.sleep(100)
  }
}

/** Starts it again whenever it ended, as a supervisor does. */
function supervise(life: Life, failed: (error: unknown) => void): void {
  const { loop, host } = life
  if (!host.isUp) {
    loop.after(50_000, () => supervise(life, failed))
    return
  }
  const process = new SimProcess(loop, host, 'capture')
  process.onExit(() => loop.after(50_000, () => supervise(life, failed)))
  capture(life, process).catch((error: unknown) => {
    const isExpected = error instanceof RecoveryError && error.class !== 'bug'
    if (!isExpected || error.code === 'WAL_CONFLICT' || error.code === 'LEDGER_DAMAGED') failed(error)
    process.kill()
  })
}

function injectFaults({ loop, random, host }: Life, untilUs: number): void {
  const faults = random.fork('faults')
  const kinds = ['kill', 'power', 'power', 'disk'] as const
  for (let left = faults.between(2, 7); left > 0; left -= 1) {
    const kind = faults.pick(kinds)
    loop.after(faults.between(0, untilUs), () => {
      if (kind === 'disk')
        host.disk.failAfter(faults.integer(30), faults.between(1, 4), faults.pick(['EIO', 'ENOSPC']))
      else if (kind === 'kill') for (const process of [...host.processes]) process.kill()
      else if (host.isUp) {
        host.crash()
        loop.after(faults.between(10_000, 300_000), () => (host.isUp = true))
      }
    })
  }
}

/** What a reader finds on the disk is what the server sent, as far as it was acknowledged. */
function requireHeld({ host, source }: Life): void {
  for (let at = source.wal.start; at < source.acknowledged; at += segmentBytes) {
    const name = `/archive/${walFolder}/${segmentName(1, at, segmentBytes)}`
    const file = host.disk.sizeOf(name) === undefined ? `${name}.partial` : name
    const length = Math.min(segmentBytes, source.acknowledged - at)
    const found = host.disk.readAt(file, 0, length) ?? new Uint8Array(0)
    const offset = at - source.wal.start
    assert.equal(
      Buffer.compare(found, source.wal.bytes.subarray(offset, offset + length)),
      0,
      `acknowledged WAL of ${name} is gone`,
    )
  }
}

async function live(seed: number): Promise<{ readonly cuts: number }> {
  const life = born(seed)
  const { loop, host, source } = life
  let failure: Error | undefined
  supervise(life, (error) => (failure ??= error instanceof Error ? error : new Error(String(error))))
  const faultsUs = 2_500_000
  injectFaults(life, faultsUs)
  let cuts = 0
  const isOver = (): boolean => {
    if (failure !== undefined) throw failure
    if (host.disk.cuts > cuts) {
      cuts = host.disk.cuts
      requireHeld(life)
    }
    if (loop.nowUs > faultsUs + 400_000) host.disk.heal()
    return loop.nowUs > faultsUs + 1_000_000 && source.acknowledged >= source.wal.end
  }
  await loop.run(isOver, 30_000_000)
  requireHeld(life)
  await requireBooks(life)
  return { cuts }
}

/** After a last start: one entry a whole segment, every commit in the clock, nothing damaged. */
async function requireBooks(life: Life): Promise<void> {
  const { loop, host, source } = life
  for (const process of [...host.processes]) process.kill()
  const process = new SimProcess(loop, host, 'reader')
  const archive = archiveOf(life, process)
  const clock = new SimClock(loop, process, 1)
  const log = { info: () => undefined, warn: () => undefined }
  let isDone = false
  const read = (async () => {
    const archivist = await Archivist.open({ archive, clock, log }, sampleIdentity)
    await archivist.close()
    const ledger = await loadLedger(archive)
    const entries = await readClock(archive, sampleIdentity)
    return { ledger, entries }
  })()
  read.finally(() => (isDone = true)).catch(() => undefined)
  await loop.run(() => isDone, loop.nowUs + 30_000_000)
  const { ledger, entries } = await read
  assert.deepEqual(ledger.defects, [])
  const segments = ledger.entries.flatMap((entry) => (entry.kind === 'segment' ? [entry.segment] : []))
  assert.deepEqual(segments, [...new Set(segments)], 'a segment is entered once')
  const commits = entries.flatMap((entry) => (entry.kind === 'commit' ? [entry.xid] : []))
  assert.deepEqual(
    commits,
    source.wal.commits.map(({ xid }) => xid),
    'every commit is in the clock once',
  )
}

/** Lives these seeds; returns how often power was cut. */
export async function captureLives(first: number, count: number): Promise<number> {
  let cuts = 0
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      cuts += (await live(seed)).cuts
    } catch (error) {
      throw new Error(
        `seed ${seed}: ${String(error)}; replay it: POINTZERO_SEED=${seed} npm test -- --only simulation`,
        { cause: error },
      )
    }
  }
  return cuts
}
