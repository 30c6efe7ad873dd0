import type { Socket } from 'node:net'
import type { RecoveryError } from '../domain/recovery-error.ts'

/** What becomes of a connection that ended without the peer's having ended its side, or that failed. */
export interface ConnectionLoss {
  readonly closed: () => RecoveryError
  readonly failed: (error: Error) => RecoveryError
}

/** Small for a question and its answer; a read that fills its room makes the next ones larger, for a stream of gigabytes. */
const firstRoomBytes = 16 * 1024
const roomGrowth = 4
const roomBytesMax = 256 * 1024
/** One is being read into, one is taken, and so many wait: beyond this the peer is blocked. */
const waitingRooms = 2
/** A chunk that TLS has decrypted is a buffer of its own, of 16 KiB. */
const waitingChunks = 16

/**
 * What arrived on a socket and was not taken yet. The system reads into rooms that are used in turn, so a stream makes no garbage: what was
 * taken is written to again after the next `take`. A TLS session brings buffers of its own.
 */
export class SocketInbox {
  failure: RecoveryError | undefined
  readonly #chunks: Uint8Array[] = []
  readonly #freeRooms: Uint8Array[] = []
  #roomBytes = firstRoomBytes
  #taken: Uint8Array | undefined
  #socket: Socket | undefined
  #bringsBuffers = false
  #ended = false
  #isIgnored = false
  #wake: (() => void) | undefined
  readonly #loss: ConnectionLoss

  constructor(loss: ConnectionLoss) {
    this.#loss = loss
  }

  /** For the options of a new socket. */
  readonly onread = {
    buffer: (): Uint8Array => this.#room(),
    /** False: the socket reads no more until it is resumed. */
    callback: (bytes: number, room: Uint8Array): boolean => {
      if (bytes === room.length && room.length === this.#roomBytes)
        this.#roomBytes = Math.min(roomGrowth * this.#roomBytes, roomBytesMax)
      return this.#arrived(room.subarray(0, bytes))
    },
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0
  }

  /** Begins to read from a socket that was made with `onread`. */
  listen(socket: Socket): void {
    this.#socket = socket
    socket.on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onError)
    socket.resume()
  }

  /** As `listen`, from a session that has no `onread`: one over TLS. */
  listenToChunks(socket: Socket): void {
    this.#bringsBuffers = true
    socket.on('data', ({ buffer, byteOffset, length }: Uint8Array) => {
      if (!this.#arrived(new Uint8Array(buffer, byteOffset, length))) socket.pause()
    })
    this.listen(socket)
  }

  async take(): Promise<Uint8Array | undefined> {
    this.#giveBack()
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#taken = chunk
        if (this.#chunks.length === this.#waitingMax() - 1) this.#socket?.resume()
        return chunk
      }
      if (this.failure !== undefined) throw this.failure
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Nobody takes anything any more: what still arrives is thrown away. */
  ignore(): void {
    this.#isIgnored = true
  }

  /** Nothing of this socket counts any more, not even its end. */
  detach(): void {
    this.ignore()
    this.#socket?.off('end', this.#onEnd).off('close', this.#onClose)
  }

  #room(): Uint8Array {
    for (;;) {
      const room = this.#freeRooms.pop()
      // Not a Buffer: its `slice` does not copy, and who keeps a piece of this has to.
      if (room === undefined) return new Uint8Array(this.#roomBytes)
      if (room.length === this.#roomBytes) return room
    }
  }

  #giveBack(): void {
    const taken = this.#taken
    this.#taken = undefined
    if (taken !== undefined && !this.#bringsBuffers) this.#freeRooms.push(new Uint8Array(taken.buffer))
  }

  #arrived(chunk: Uint8Array): boolean {
    if (this.#isIgnored) return true
    this.#chunks.push(chunk)
    this.#wake?.()
    return this.#chunks.length < this.#waitingMax()
  }

  #waitingMax(): number {
    return this.#bringsBuffers ? waitingChunks : waitingRooms
  }

  readonly #onEnd = () => {
    this.#ended = true
    this.#wake?.()
  }

  readonly #onClose = () => {
    if (!this.#ended) this.failure ??= this.#loss.closed()
    this.#wake?.()
  }

  readonly #onError = (error: Error) => {
    this.failure ??= this.#loss.failed(error)
    this.#wake?.()
  }
}
