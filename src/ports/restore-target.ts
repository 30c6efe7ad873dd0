/**
 * An empty place that files are restored into. Paths are relative, `/`-separated, without `.`, `..` or a leading slash; an
 * implementation refuses any other and never follows a symbolic link inside the target. Nothing that exists is ever replaced.
 */
export interface RestoreTarget {
  /** How people name it: an absolute directory. For messages only. */
  readonly name: string
  /**
   * Makes the target (mode 0700) when it does not exist and takes it over when it is empty.
   * Otherwise it fails with RESTORE_TARGET_NOT_EMPTY (refused) and changes nothing.
   */
  claim(): Promise<void>
  /** Mode 0700. The parent exists. */
  createDirectory(path: string): Promise<void>
  /** Mode 0600. The parent exists; the file does not. */
  createFile(path: string): Promise<RestoreFile>
  /** Atomic. `to` does not exist. */
  rename(from: string, to: string): Promise<void>
  /** Makes the names in the directory durable; `''` is the target itself and its own name in its parent. */
  syncDirectory(path: string): Promise<void>
}

/** A target on a disk: its room is known, and a mark can be taken away again when the restore is complete. */
export interface RestoreDirectory extends RestoreTarget {
  /** What files may still grow by. Asked after `claim`. */
  freeBytes(): Promise<number>
  /** Removes a file that was made through this target, and nothing else. */
  remove(path: string): Promise<void>
}

export interface RestoreFile {
  /**
   * Appends all the pieces, at the latest with `sync` or `close`: a failure may be told by the call after it. The pieces are not used any more
   * once it resolves. One call at a time.
   */
  write(pieces: readonly Uint8Array[]): Promise<void>
  /** What was written survives a power cut. */
  sync(): Promise<void>
  /** Idempotent. Durability needs `sync` before. */
  close(): Promise<void>
}
