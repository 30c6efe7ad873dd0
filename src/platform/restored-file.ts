import type { FileHandle } from 'node:fs/promises'
import type { RestoreFile } from '../ports/restore-target.ts'

/** Smaller writes are put together: a call costs more than their bytes. Larger ones go as they are. */
const largeBytes = 256 * 1024
const roomBytes = 1024 * 1024

/** Rooms of files that are complete; the next ones use them again. */
export type Rooms = Uint8Array[]

/** A file of a restore on a disk. What is put together is written while the next pieces arrive; a failure of that is the next call's. */
export class RestoredFile implements RestoreFile {
  readonly #handle: FileHandle
  readonly #rooms: Rooms
  #room: Uint8Array | undefined
  #roomUsed = 0
  /** Every write so far, in their order. */
  #written: Promise<void> = Promise.resolve()
  /** Never nought again after a failure: nothing more is written then, for the file would have a hole. */
  #underWay = 0
  #closed = false

  constructor(handle: FileHandle, rooms: Rooms) {
    this.#handle = handle
    this.#rooms = rooms
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    if (pieces.reduce((total, piece) => total + piece.length, 0) >= largeBytes) {
      this.#passOn()
      await this.#append(() => writeAll(this.#handle, pieces))
      return
    }
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        this.#room ??= this.#rooms.pop() ?? Buffer.allocUnsafeSlow(roomBytes)
        const part = piece.subarray(at, at + roomBytes - this.#roomUsed)
        this.#room.set(part, this.#roomUsed)
        this.#roomUsed += part.length
        at += part.length
        if (this.#roomUsed < roomBytes) continue
        // One room is written while the next one fills, and no more.
        const before = this.#written
        this.#passOn()
        await before
      }
    }
  }

  async sync(): Promise<void> {
    this.#passOn()
    await this.#written
    await this.#handle.sync()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#passOn()
    try {
      await this.#written
    } finally {
      await this.#handle.close()
    }
  }

  /** Has what is put together written. Whoever awaits `#written` learns how that went. */
  #passOn(): void {
    const room = this.#room
    if (room === undefined) return
    const bytes = room.subarray(0, this.#roomUsed)
    this.#room = undefined
    this.#roomUsed = 0
    void this.#append(async () => {
      await writeAll(this.#handle, [bytes])
      this.#rooms.push(room)
    })
  }

  /** Begins at once when nothing else is being written: the caller hashes meanwhile. */
  #append(write: () => Promise<void>): Promise<void> {
    const begun = this.#underWay === 0 ? write() : this.#written.then(write)
    this.#underWay += 1
    this.#written = begun.then(() => {
      this.#underWay -= 1
    })
    // Until somebody awaits it a failure must not end the process.
    this.#written.catch(() => undefined)
    return this.#written
  }
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let rest = pieces.filter((piece) => piece.length > 0)
  while (rest.length > 0) rest = remaining(rest, (await handle.writev(rest)).bytesWritten)
}

/** What is left of the pieces when their first `written` bytes are gone: a write may be a partial one. */
function remaining(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let gone = written
  return pieces.flatMap((piece) => {
    const skipped = Math.min(gone, piece.length)
    gone -= skipped
    return skipped === piece.length ? [] : [piece.subarray(skipped)]
  })
}
