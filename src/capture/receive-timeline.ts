import type { Lsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { NextTimeline, ReplicationStream } from '../protocol/postgres-replication.ts'
import { lsnOf, positionOf } from './wal-position.ts'
import type { WalWriter } from './wal-writer.ts'

export interface ReceiveOptions {
  /** A status is sent at least so often, and an answer asked for. */
  readonly statusIntervalMs: number
  /** Nothing heard for so long, not even a keepalive: the connection is given up. An idle database sends keepalives. */
  readonly silenceMs: number
  /** Received and not yet durable: beyond this nothing more is read, and the server is blocked. */
  readonly unsyncedBytesMax: number
}

/** How far it came. `serverEnd` is what the server had when it spoke last. */
export interface ReceiveProgress {
  readonly written: number
  readonly flushed: number
  readonly serverEnd: number
  readonly serverTimeMicroseconds: number
}

/**
 * Read, write, sync, acknowledge. Reading and syncing go on side by side: one sync is under way at a time and covers all that arrived
 * before it began; then one status says so. No position is ever reported that was not synced. Returns the timeline that follows
 * when the server has left this one, with all of this one durable.
 */
export async function receiveTimeline(
  clock: Clock,
  stream: ReplicationStream,
  writer: WalWriter,
  options: ReceiveOptions,
  onProgress: (progress: ReceiveProgress) => void,
): Promise<NextTimeline | undefined> {
  const over = new AbortController()
  const receiver = new TimelineReceiver(clock, stream, writer, options, onProgress)
  const side = [receiver.acknowledge(over.signal), receiver.watchSilence(over.signal)]
  try {
    // Whichever fails first ends the others; the side loops end only by failing or by `over`.
    await Promise.race([receiver.read(), ...side])
    await writer.flush()
    await receiver.sendStatus(false)
    over.abort()
    return await stream.finish()
  } finally {
    over.abort()
    receiver.wake()
    await Promise.allSettled(side)
  }
}

class TimelineReceiver {
  readonly #clock: Clock
  readonly #stream: ReplicationStream
  readonly #writer: WalWriter
  readonly #options: ReceiveOptions
  readonly #onProgress: (progress: ReceiveProgress) => void
  #serverEnd = 0
  #serverTimeMicroseconds = 0
  #heardAtMs: number
  #wake: (() => void) | undefined
  #synced: (() => void) | undefined

  constructor(
    clock: Clock,
    stream: ReplicationStream,
    writer: WalWriter,
    options: ReceiveOptions,
    onProgress: (progress: ReceiveProgress) => void,
  ) {
    this.#clock = clock
    this.#stream = stream
    this.#writer = writer
    this.#options = options
    this.#onProgress = onProgress
    this.#heardAtMs = clock.monotonicMs()
  }

  async read(): Promise<void> {
    for await (const message of this.#stream.messages) {
      this.#heardAtMs = this.#clock.monotonicMs()
      this.#serverEnd = Math.max(this.#serverEnd, positionOf(message.serverEnd))
      this.#serverTimeMicroseconds = Number(message.sentAtMicroseconds)
      if (message.kind === 'wal') {
        await this.#writer.write(positionOf(message.start), message.bytes)
        this.wake()
        await this.#boundUnsynced()
      } else {
        if (message.replyRequested) await this.sendStatus(false)
        this.#report()
      }
    }
  }

  /** Syncs and acknowledges while there is something to; sleeps on a promise otherwise. */
  async acknowledge(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#writer.written <= this.#writer.flushed) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      await this.#writer.flush()
      await this.sendStatus(false)
      this.#report()
      this.#synced?.()
    }
  }

  /** An idle server is asked to answer; one that does not answer is gone. */
  async watchSilence(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.#clock.sleep(this.#options.statusIntervalMs, signal)
      } catch {
        // Aborted: the timeline is over, one way or the other.
        return
      }
      const silentMs = this.#clock.monotonicMs() - this.#heardAtMs
      if (silentMs > this.#options.silenceMs) throw silent(silentMs)
      await this.sendStatus(true)
    }
  }

  async sendStatus(replyRequested: boolean): Promise<void> {
    await this.#stream.sendStatus({
      written: lsnOf(this.#writer.written),
      flushed: lsnOf(this.#writer.flushed),
      // Nothing is ever applied here, and a commit that waits for it (remote_apply) has to wait for somebody else.
      applied: '0/0' as Lsn,
      atMicroseconds: BigInt(Math.round(this.#clock.now() * 1000)),
      replyRequested,
    })
  }

  wake(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  async #boundUnsynced(): Promise<void> {
    while (this.#writer.written - this.#writer.flushed > this.#options.unsyncedBytesMax)
      await new Promise<void>((resolve) => (this.#synced = resolve))
  }

  #report(): void {
    this.#onProgress({
      written: this.#writer.written,
      flushed: this.#writer.flushed,
      serverEnd: this.#serverEnd,
      serverTimeMicroseconds: this.#serverTimeMicroseconds,
    })
  }
}

function silent(silentMs: number): RecoveryError {
  return new RecoveryError({
    code: 'CAPTURE_SILENT',
    class: 'transient',
    message: `the server sent nothing for ${Math.round(silentMs / 1000)} s, not even a keepalive`,
    hint: 'see whether it runs and the network carries: `pg_isready -h <host> -p <port>`',
  })
}
