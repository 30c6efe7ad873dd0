import { freeBytes } from './free-bytes.ts'
import type { TableEntry } from './file-table.ts'
import type { FilePiece, SnapshotReader } from './snapshot-reader.ts'

export type FileEntry = TableEntry & { readonly kind: 'file' }

/**
 * Does what it wants with one file. Its pieces come in order; those that it leaves are given up. The bytes of a piece are gone when the next
 * one is asked for.
 */
export type TakeFile = (file: FileEntry, pieces: AsyncIterable<FilePiece>) => Promise<void>

interface Failure {
  readonly error: unknown
}

/** Of at most 1 MiB each, from the moment that their record is asked for until they are done with. */
const piecesInFlight = 12
/** Also those whose pieces are done with and that are still being made durable: a sync of many costs hardly more than one of few. */
const filesInFlight = 32

/**
 * Reads files ahead of those who take them, across the ends of files, and always in the order of the calls: packs are read from front to
 * back. Memory is bounded by the pieces, whatever the sizes of the files are.
 */
export class ReadFiles {
  readonly #reader: SnapshotReader
  readonly #take: TakeFile
  readonly #pieces = new Room(piecesInFlight)
  readonly #files = new Room(filesInFlight)
  readonly #taking = new Set<Promise<void>>()
  #failure: Failure | undefined

  constructor(reader: SnapshotReader, take: TakeFile) {
    this.#reader = reader
    this.#take = take
  }

  /** Resolves once every piece of the file is on its way. Throws what any file has failed with. */
  async read(file: FileEntry): Promise<void> {
    await this.#files.enter()
    this.#check()
    const queue = new PieceQueue(this.#pieces)
    this.#start(file, queue)
    try {
      for await (const piece of this.#reader.plan(file)) {
        await this.#pieces.enter()
        if (this.#failure === undefined && !queue.isClosed) queue.push(piece.read())
        else {
          this.#pieces.leave()
          break
        }
      }
      queue.end(this.#failure)
    } catch (error) {
      queue.end({ error })
    }
    this.#check()
  }

  /** Nothing runs any more when it settles. Throws what any file has failed with. */
  async finish(): Promise<void> {
    await this.abandon()
    this.#check()
  }

  /** The same, for whoever has failed already. */
  async abandon(): Promise<void> {
    while (this.#taking.size > 0) await Promise.all(this.#taking)
  }

  #start(file: FileEntry, queue: PieceQueue): void {
    const taking = this.#taken(file, queue).finally(() => this.#taking.delete(taking))
    this.#taking.add(taking)
  }

  async #taken(file: FileEntry, queue: PieceQueue): Promise<void> {
    try {
      await this.#take(file, queue.pieces())
    } catch (error) {
      this.#failure ??= { error }
    }
    await queue.close()
    this.#files.leave()
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** What is read of one file and not taken yet. */
class PieceQueue {
  readonly #room: Room
  readonly #pieces: FilePiece[] = []
  #isClosed = false
  #isEnded = false
  #failure: Failure | undefined
  #wake: (() => void) | undefined

  constructor(room: Room) {
    this.#room = room
  }

  /** Nobody takes pieces any more. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  push(piece: FilePiece): void {
    // Whoever takes it learns of it; until then it must not end the process.
    piece.bytes.catch(() => undefined)
    this.#pieces.push(piece)
    this.#wake?.()
  }

  /** After what was pushed comes nothing more, or this failure. */
  end(failure?: Failure): void {
    this.#isEnded = true
    this.#failure = failure
    this.#wake?.()
  }

  /** Each keeps its bytes and its room until the next one is asked for. */
  async *pieces(): AsyncGenerator<FilePiece, void, undefined> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece === undefined) {
        if (this.#isEnded) break
        await new Promise<void>((resolve) => (this.#wake = resolve))
        continue
      }
      try {
        yield piece
      } finally {
        void piece.bytes.then(freeBytes, () => undefined)
        this.#room.leave()
      }
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** No piece is being read any more when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { bytes } of this.#pieces.splice(0)) {
      await bytes.catch(() => undefined)
      this.#room.leave()
    }
  }
}

/** First come, first served. */
class Room {
  #left: number
  readonly #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#left = size
  }

  async enter(): Promise<void> {
    if (this.#left > 0) this.#left -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#left += 1
    else next()
  }
}
