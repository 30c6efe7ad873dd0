import { RecoveryError } from '../domain/recovery-error.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimRandom } from './sim-random.ts'

type Operation = 'write' | 'sync' | 'rename' | 'sync-directory' | 'read'

interface Inode {
  content: Uint8Array
  /** What a power cut leaves at least; `undefined` = never synced. */
  synced: Uint8Array | undefined
}

interface DiskFault {
  /** Fails the n-th operation from now on (0 = the next). */
  after: number
  readonly operations: number
  readonly code: 'ENOSPC' | 'EIO'
}

/**
 * A disk that keeps what POSIX promises and nothing more: content is durable after `sync`, a name after `syncDirectory`. A power cut tears
 * unsynced content at a random length and undoes a random suffix of unsynced renames. The death of a process loses nothing.
 */
export class SimDisk {
  readonly #loop: EventLoop
  readonly #random: SimRandom
  #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  #pendingNames: { readonly name: string; readonly inode: Inode | undefined }[] = []
  #fault: DiskFault | undefined
  operations = 0

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

  /** Replaces the content of the name; makes the name when it is new. */
  write(path: string, content: Uint8Array): void {
    this.#perform('write', path)
    const inode = this.#names.get(path)
    if (inode !== undefined) inode.content = content.slice()
    else this.#setName(path, { content: content.slice(), synced: undefined })
  }

  sync(path: string): void {
    this.#perform('sync', path)
    const inode = this.#names.get(path)
    if (inode !== undefined) inode.synced = inode.content
  }

  rename(from: string, to: string): void {
    this.#perform('rename', to)
    const inode = this.#names.get(from)
    if (inode === undefined) return
    this.#setName(to, inode)
    this.#setName(from, undefined)
  }

  syncDirectory(): void {
    this.#perform('sync-directory', '')
    for (const { name, inode } of this.#pendingNames) setOrDelete(this.#durableNames, name, inode)
    this.#pendingNames = []
  }

  loseUnsynced(): void {
    const kept = this.#random.integer(this.#pendingNames.length + 1)
    for (const { name, inode } of this.#pendingNames.slice(0, kept))
      setOrDelete(this.#durableNames, name, inode)
    this.#pendingNames = []
    this.#names = new Map(this.#durableNames)
    for (const inode of this.#names.values()) {
      if (inode.synced === inode.content) continue
      const torn = inode.content.slice(0, this.#random.integer(inode.content.length + 1))
      inode.content = this.#random.chance(0.5) ? (inode.synced ?? torn) : torn
      inode.synced = inode.content
    }
  }

  #setName(name: string, inode: Inode | undefined): void {
    setOrDelete(this.#names, name, inode)
    this.#pendingNames.push({ name, inode })
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

function setOrDelete<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
