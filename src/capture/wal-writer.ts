import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { ArchiveDirectory, ArchiveFile } from '../ports/archive-directory.ts'
import { conflictFolder, walFolder, writeDurably } from './archive-layout.ts'
import { lsnOf, segmentName, segmentStart } from './wal-position.ts'

/** What is there already on the timeline that is written: bytes before `heldUntil` are compared with what comes. */
export interface WalWriterOptions {
  readonly timeline: number
  readonly segmentBytes: number
  /** The start of a segment. */
  readonly start: number
  readonly heldUntil: number
  /** A segment is whole, durable and has its final name. */
  readonly onSegment: (name: string) => void
}

interface OpenSegment {
  readonly file: ArchiveFile
  readonly start: number
  /** It has its final name: it is compared and not written. */
  readonly isWhole: boolean
}

const sparePath = `${walFolder}/spare`
const fillBytes = 1 << 20

/**
 * Puts the WAL of one timeline into segment files: `NAME.partial` while it grows, `NAME` when it is whole and durable. One caller writes,
 * another one flushes meanwhile; a file is closed only when no sync of it is under way.
 */
export class WalWriter {
  readonly #archive: ArchiveDirectory
  readonly #options: WalWriterOptions
  #open: OpenSegment | undefined
  #written: number
  #flushed: number
  #turn: Promise<void> = Promise.resolve()
  #spare: Promise<boolean> | undefined
  #closed = false
  #failure: { readonly error: unknown } | undefined

  constructor(archive: ArchiveDirectory, options: WalWriterOptions) {
    this.#archive = archive
    this.#options = options
    this.#written = options.start
    this.#flushed = options.start
  }

  /** Everything before is in the files. */
  get written(): number {
    return this.#written
  }

  /** Everything before survives a power cut: the only position that may be acknowledged. */
  get flushed(): number {
    return this.#flushed
  }

  /** Bytes have to come in order and without a hole. A RecoveryError WAL_CONFLICT when they are not those that are held. */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    if (position !== this.#written || this.#closed) throw outOfOrder(position, this.#written)
    const { segmentBytes } = this.#options
    for (let done = 0; done < bytes.length;) {
      this.#check()
      this.#open ??= await this.#openSegment()
      const room = this.#open.start + segmentBytes - this.#written
      const piece = bytes.subarray(done, done + Math.min(room, bytes.length - done))
      await this.#put(this.#open, piece)
      done += piece.length
      this.#written += piece.length
      if (piece.length === room) await this.#exclusively(() => this.#finishSegment())
    }
  }

  /** One sync for everything that was written before the call, in this thread: commits wait for it. */
  async flush(): Promise<void> {
    await this.#exclusively(async () => {
      const target = this.#written
      if (this.#open === undefined || target <= this.#flushed) return
      await this.#open.file.sync('at-once')
      this.#flushed = Math.max(this.#flushed, target)
    })
  }

  /** Idempotent. What was not flushed is not promised to be there. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#turn
    const open = this.#open
    this.#open = undefined
    await open?.file.close()
    await this.#spare?.catch(() => false)
  }

  async #put({ file, isWhole }: OpenSegment, piece: Uint8Array): Promise<void> {
    const offset = this.#written - segmentStart(this.#written, this.#options.segmentBytes)
    const held = Math.min(Math.max(this.#options.heldUntil - this.#written, 0), piece.length)
    if (held > 0) {
      const ours = await file.read(offset, held)
      if (Buffer.compare(ours, piece.subarray(0, held)) !== 0) throw await this.#conflict(ours, piece)
    }
    // What is held reads back although a sync of the process before may have failed: only what is written again is synced again.
    if (!isWhole) await file.write(offset, piece)
  }

  async #openSegment(): Promise<OpenSegment> {
    const { timeline, segmentBytes, heldUntil } = this.#options
    const start = segmentStart(this.#written, segmentBytes)
    const name = segmentName(timeline, start, segmentBytes)
    const whole = await this.#archive.sizeOf(`${walFolder}/${name}`)
    if (whole !== undefined) {
      // Held to the end: nothing is written to it, so it is only compared.
      if (whole !== segmentBytes || heldUntil < start + segmentBytes) throw damagedSegment(name, whole)
      return { file: await this.#archive.open(`${walFolder}/${name}`), start, isWhole: true }
    }
    const path = `${walFolder}/${name}.partial`
    const isNew = (await this.#archive.sizeOf(path)) === undefined
    if (isNew && (await this.#spare?.catch(() => false)) === true) await this.#archive.rename(sparePath, path)
    this.#spare = undefined
    const file = await this.#archive.open(path)
    try {
      if ((await file.size()) !== segmentBytes) await file.resize(segmentBytes)
      await this.#archive.syncFolder(walFolder)
    } catch (error) {
      await file.close()
      throw error
    }
    this.#spare = this.#fillSpare()
    // A failure is no reason to stop: the next segment is then made when it is needed.
    this.#spare.catch(() => false)
    return { file, start, isWhole: false }
  }

  async #finishSegment(): Promise<void> {
    const open = this.#open
    if (open === undefined) return
    const { timeline, segmentBytes, onSegment } = this.#options
    await open.file.sync()
    await open.file.close()
    this.#open = undefined
    const name = segmentName(timeline, open.start, segmentBytes)
    if (!open.isWhole) {
      await this.#archive.rename(`${walFolder}/${name}.partial`, `${walFolder}/${name}`)
      await this.#archive.syncFolder(walFolder)
    }
    this.#flushed = Math.max(this.#flushed, open.start + segmentBytes)
    onSegment(name)
  }

  /** Blocks of the next segment exist before they are needed: a sync then need not write the file system's own tables. */
  async #fillSpare(): Promise<boolean> {
    if ((await this.#archive.sizeOf(sparePath)) === this.#options.segmentBytes) return true
    const file = await this.#archive.open(sparePath)
    try {
      const zeros = new Uint8Array(fillBytes)
      for (let at = 0; at < this.#options.segmentBytes; at += fillBytes) {
        if (this.#closed) return false
        await file.write(at, zeros)
        await file.sync()
      }
      return true
    } finally {
      await file.close()
    }
  }

  async #conflict(ours: Uint8Array, theirs: Uint8Array): Promise<RecoveryError> {
    const { timeline, segmentBytes } = this.#options
    const name = segmentName(timeline, this.#written, segmentBytes)
    const first = ours.findIndex((byte, index) => byte !== theirs[index])
    const sha256 = createHash('sha256').update(theirs).digest('hex')
    const path = `${conflictFolder}/${name}.${(this.#written + first).toString(16)}.${sha256.slice(0, 16)}`
    if ((await this.#archive.sizeOf(path)) === undefined) await writeDurably(this.#archive, path, theirs)
    return walConflict(name, this.#written + first, path, sha256)
  }

  /** After a failed sync the next one succeeds without what the first one lost: nothing goes on, so nothing more is acknowledged. */
  #exclusively(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(async () => {
      this.#check()
      await work()
    })
    this.#turn = done.catch((error: unknown) => {
      this.#failure ??= { error }
    })
    return done
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

export function walConflict(name: string, position: number, path: string, sha256: string): RecoveryError {
  return new RecoveryError({
    code: 'WAL_CONFLICT',
    class: 'refused',
    message: `the server sends other bytes for ${name} than the archive holds, from ${lsnOf(position)} on: refused, and kept as ${path}`,
    hint: 'two servers were promoted with one timeline number: find out which history is the right one, and capture the other into an archive of its own',
    context: { segment: name, position: lsnOf(position), path, sha256 },
  })
}

function damagedSegment(name: string, bytes: number): RecoveryError {
  return new RecoveryError({
    code: 'WAL_SEGMENT_DAMAGED',
    class: 'refused',
    message: `${name} has ${bytes} bytes, or ends early: it is not overwritten`,
    hint: 'see what is damaged: `pointzero points --archive <directory> --verify`; move that file aside to receive it again while the server has it',
    context: { segment: name },
  })
}

function outOfOrder(position: number, expected: number): RecoveryError {
  return new RecoveryError({
    code: 'WAL_OUT_OF_ORDER',
    class: 'transient',
    message: `the server sent WAL of ${lsnOf(position)} where ${lsnOf(expected)} was due`,
    hint: 'the receiver starts again by itself; report this when it goes on',
  })
}
