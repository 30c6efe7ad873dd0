/**
 * A directory of growing and finished files with one writer. Paths are relative: a name, or a folder and a name.
 * A write is visible to readers at once and durable after `sync`; a name after `syncFolder`.
 */
export interface ArchiveDirectory {
  /** How people name it: an absolute directory. For messages only. */
  readonly name: string
  /** Sorted names in the folder (`''` is the directory itself); none when there is no such folder. */
  list(folder: string): Promise<readonly string[]>
  /** Of every file in the folder, in one call: an archive of a month has ten thousands of them. */
  sizes(folder: string): Promise<ReadonlyMap<string, number>>
  /** `undefined` when there is no such file. */
  sizeOf(path: string): Promise<number | undefined>
  /** Up to `length` bytes: fewer at the end of the file, none when there is no such file. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>
  /** Makes it, mode 0700, with every parent, durably. Nothing when it is there. */
  makeFolder(folder: string): Promise<void>
  /** For reading and writing; made (mode 0600) when it is not there, never shortened. */
  open(path: string): Promise<ArchiveFile>
  /** Fails when `to` exists. */
  rename(from: string, to: string): Promise<void>
  syncFolder(folder: string): Promise<void>
  /** Becomes the only writer until `release`, or until the process ends; ARCHIVE_IN_USE (refused) while another one is. */
  lock(): Promise<ArchiveLock>
}

export interface ArchiveFile {
  /** The bytes may be changed once it resolves. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  read(offset: number, length: number): Promise<Uint8Array>
  /**
   * What was written before the call survives a power cut. `at-once`: the calling thread waits for the disk itself, as is right for one that has
   * nothing else to do and whom commits wait for; to hand it to another thread and back costs as much as the sync of a fast disk.
   */
  sync(how?: 'at-once'): Promise<void>
  /** Cuts or fills with zeros. */
  resize(bytes: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

export interface ArchiveLock {
  release(): void
}
