import { RecoveryError } from '../domain/recovery-error.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimRandom } from './sim-random.ts'

type Operation = 'write' | 'sync' | 'rename' | 'sync-directory' | 'read' | 'resize'

/** What a disk writes whole or not at all. */
const sectorBytes = 512
const nothing = new Uint8Array(0)

interface Inode {
  /** What a reader sees: the page cache. */
  content: Uint8Array
  /** What a power cut leaves at least. */
  durable: Uint8Array
  /** Sectors that a sync has to write. One that fails forgets them, as the kernel does: the next one succeeds without them. */
  readonly dirty: Set<number>
}

/** Names that change together or not at all. */
type NameChange = ReadonlyMap<string, Inode | undefined>

interface DiskFault {
  /** Fails the n-th operation from now on (0 = the next). */
  after: number
  readonly operations: number
  readonly code: 'ENOSPC' | 'EIO'
}

/**
 * A disk that keeps what POSIX promises and nothing more: content is durable after `sync`, a name after `syncDirectory`. A power cut tears
 * unsynced content sector by sector and undoes a random suffix of unsynced renames. The death of a process loses nothing.
 */
export class SimDisk {
  readonly #loop: EventLoop
  readonly #random: SimRandom
  #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  #pendingNames: NameChange[] = []
  #fault: DiskFault | undefined
  operations = 0
  /** Power cuts so far. */
  cuts = 0

  constructor(loop: EventLoop, random: SimRandom) {
    this.#loop = loop
    this.#random = random
  }

  failAfter(operations: number, count: number, code: 'ENOSPC' | 'EIO'): void {
    this.#fault = { after: operations, operations: count, code }
  }

  heal(): void {
    this.#fault = undefined
  }

  read(path: string): Uint8Array | undefined {
    this.#perform('read', path)
    return this.#names.get(path)?.content.slice()
  }

  readAt(path: string, offset: number, length: number): Uint8Array | undefined {
    this.#perform('read', path)
    return this.#names.get(path)?.content.slice(offset, offset + length)
  }

  sizeOf(path: string): number | undefined {
    return this.#names.get(path)?.content.length
  }

  /** Every path that begins with the prefix, sorted. */
  list(prefix: string): readonly string[] {
    return [...this.#names.keys()].filter((path) => path.startsWith(prefix)).sort()
  }

  /** Replaces the content of the name; makes the name when it is new. */
  write(path: string, content: Uint8Array): void {
    this.#perform('write', path)
    const inode = this.#inode(path)
    inode.content = content.slice()
    touch(inode, 0, content.length)
  }

  /** Makes the name when it is new; grows the file when it has to. */
  writeAt(path: string, offset: number, bytes: Uint8Array): void {
    this.#perform('write', path)
    const inode = this.#inode(path)
    if (offset + bytes.length > inode.content.length) resized(inode, offset + bytes.length)
    inode.content.set(bytes, offset)
    touch(inode, offset, bytes.length)
  }

  /** Makes an empty file when there is none. */
  create(path: string): void {
    this.#perform('write', path)
    this.#inode(path)
  }

  resize(path: string, bytes: number): void {
    this.#perform('resize', path)
    resized(this.#inode(path), bytes)
  }

  sync(path: string): void {
    const inode = this.#names.get(path)
    try {
      this.#perform('sync', path)
    } catch (error) {
      inode?.dirty.clear()
      throw error
    }
    if (inode === undefined) return
    if (inode.durable.length === inode.content.length) writeSectors(inode, inode.durable, () => true)
    else inode.durable = persisted(inode, inode.content.length, () => true)
    inode.dirty.clear()
  }

  rename(from: string, to: string): void {
    this.#perform('rename', to)
    const inode = this.#names.get(from)
    if (inode === undefined) return
    this.#change(
      new Map([
        [to, inode],
        [from, undefined],
      ]),
    )
  }

  remove(path: string): void {
    this.#perform('rename', path)
    if (this.#names.has(path)) this.#change(new Map([[path, undefined]]))
  }

  syncDirectory(): void {
    this.#perform('sync-directory', '')
    for (const change of this.#pendingNames) apply(this.#durableNames, change)
    this.#pendingNames = []
  }

  loseUnsynced(): void {
    this.cuts += 1
    const kept = this.#random.integer(this.#pendingNames.length + 1)
    for (const change of this.#pendingNames.slice(0, kept)) apply(this.#durableNames, change)
    this.#pendingNames = []
    this.#names = new Map(this.#durableNames)
    for (const inode of new Set(this.#names.values())) this.#tear(inode)
  }

  /** Some of the dirty sectors were written by then, and the length is one that it had. */
  #tear(inode: Inode): void {
    const { content, durable, dirty } = inode
    const isChanged = dirty.size > 0 || content.length !== durable.length
    if (isChanged) {
      const share = this.#random.pick([0, 0.5, 0.9, 1])
      const shorter = Math.min(content.length, durable.length)
      const between = this.#random.between(shorter, Math.max(content.length, durable.length))
      const bytes = this.#random.pick([content.length, durable.length, between])
      inode.durable = persisted(inode, bytes, () => this.#random.chance(share))
    }
    inode.content = inode.durable.slice()
    dirty.clear()
  }

  #inode(path: string): Inode {
    const known = this.#names.get(path)
    if (known !== undefined) return known
    const inode: Inode = { content: nothing, durable: nothing, dirty: new Set() }
    this.#change(new Map([[path, inode]]))
    return inode
  }

  #change(change: NameChange): void {
    apply(this.#names, change)
    this.#pendingNames.push(change)
  }

  #perform(operation: Operation, path: string): void {
    this.operations += 1
    this.#loop.trace(operation)
    const fault = this.#fault
    if (fault === undefined || operation === 'read') return
    fault.after -= 1
    if (fault.after >= 0) return
    if (fault.after <= -fault.operations) this.#fault = undefined
    throw new RecoveryError({
      code: 'FILE_NOT_REPLACED',
      class: 'permanent',
      message: `${fault.code} at ${operation} of ${path}`,
      hint: 'look at the owner, the mode and the free space of that folder',
    })
  }
}

function touch(inode: Inode, offset: number, length: number): void {
  for (let sector = Math.floor(offset / sectorBytes); sector * sectorBytes < offset + length; sector += 1)
    inode.dirty.add(sector)
}

/** Zeros behind what was there. */
function resized(inode: Inode, bytes: number): void {
  const content = new Uint8Array(bytes)
  content.set(inode.content.subarray(0, bytes))
  inode.content = content
}

/** What the disk holds when it has written those of the dirty sectors that `isWritten` says, and the length. */
function persisted(inode: Inode, bytes: number, isWritten: () => boolean): Uint8Array {
  const disk = new Uint8Array(bytes)
  disk.set(inode.durable.subarray(0, bytes))
  writeSectors(inode, disk, isWritten)
  return disk
}

function writeSectors({ content, dirty }: Inode, disk: Uint8Array, isWritten: () => boolean): void {
  for (const sector of dirty) {
    const at = sector * sectorBytes
    if (at < disk.length && isWritten())
      disk.set(content.subarray(at, Math.min(at + sectorBytes, disk.length, content.length)), at)
  }
}

function apply(names: Map<string, Inode>, change: NameChange): void {
  for (const [name, inode] of change) {
    if (inode === undefined) names.delete(name)
    else names.set(name, inode)
  }
}
