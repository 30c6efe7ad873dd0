import type { SimEvent } from './event-heap.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimLinks } from './sim-links.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'
import { endOf, indexAfter } from './wal-record.ts'

/** wal_sender_timeout and wal_receiver_timeout; below the length of many faults, so that both sides of it are met. */
const silenceLimitUs = 3_000_000

/**
 * One walsender with its walreceiver. WAL goes down in order, flush positions come back; what a cut swallows is sent again when it
 * heals (TCP), and a silence longer than the time-out ends the connection on both sides.
 */
export class SimReplication {
  readonly standby: SimPostgres
  readonly upstream: SimPostgres
  /** Newest position of which the upstream knows that the standby flushed it. */
  flushed = 0
  isOpen = true
  readonly #loop: EventLoop
  readonly #links: SimLinks
  readonly #sender: SimProcess
  readonly #receiver: SimProcess
  #sentIndex: number
  #isSending = false
  #watch: SimEvent | undefined

  constructor(loop: EventLoop, links: SimLinks, ends: ReplicationEnds) {
    this.#loop = loop
    this.#links = links
    this.standby = ends.standby
    this.upstream = ends.upstream
    this.#sender = ends.sender
    this.#receiver = ends.receiver
    this.#sentIndex = indexAfter(this.upstream.wal, endOf(this.standby.wal))
  }

  /** False for what is left of a standby that died without a word: nothing comes from there any more. */
  get canAcknowledge(): boolean {
    return this.isOpen && this.#receiver.isAlive
  }

  get #isCut(): boolean {
    return !this.#links.connects(this.#sender.host, this.#receiver.host)
  }

  get #isSilent(): boolean {
    return this.#isCut || [this.#sender, this.#receiver].some(({ isAlive, isPaused }) => !isAlive || isPaused)
  }

  /** Sends what is new, one batch at a time. */
  pump(): void {
    if (!this.isOpen || this.#isSending || this.#sentIndex >= this.upstream.wal.length) return
    this.#isSending = true
    this.#loop.after(this.#links.delayUs(this.#sender.host, this.#receiver.host), () => {
      this.#isSending = false
      if (!this.isOpen || !this.#links.passes(this.#sender.host, this.#receiver.host)) return
      this.#receiver.deliver(() => this.#receive())
    })
  }

  reply(): void {
    const position = endOf(this.standby.wal)
    this.#loop.after(this.#links.delayUs(this.#receiver.host, this.#sender.host), () => {
      if (!this.isOpen || !this.#links.passes(this.#receiver.host, this.#sender.host)) return
      this.#sender.deliver(() => {
        if (!this.isOpen) return
        this.flushed = Math.max(this.flushed, position)
        this.upstream.releaseAcknowledged()
        this.pump()
      })
    })
  }

  /** Somebody was cut off, stopped or came back. */
  environmentChanged(): void {
    if (!this.isOpen) return
    // The kernel of a living host answers for a process that is gone.
    if (!this.#isCut && !(this.#sender.isAlive && this.#receiver.isAlive)) {
      this.close()
      return
    }
    if (this.#isSilent) {
      this.#watch ??= this.#loop.after(silenceLimitUs, () => {
        this.#watch = undefined
        if (this.isOpen && this.#isSilent) this.close()
      })
      return
    }
    if (this.#watch !== undefined) this.#loop.cancel(this.#watch)
    this.#watch = undefined
    this.reply()
    this.pump()
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    if (this.#watch !== undefined) this.#loop.cancel(this.#watch)
    this.upstream.senderEnded(this)
    this.standby.receiverEnded(this)
  }

  #receive(): void {
    if (!this.isOpen) return
    const { wal } = this.upstream
    const upTo = wal.length
    if (this.#sentIndex < upTo) this.standby.received(this.upstream, wal.slice(this.#sentIndex, upTo))
    this.#sentIndex = upTo
    this.reply()
  }
}

interface ReplicationEnds {
  readonly standby: SimPostgres
  readonly upstream: SimPostgres
  readonly sender: SimProcess
  readonly receiver: SimProcess
}
