/** What a store knows about one object without reading it. */
export interface ObjectInfo {
  readonly name: string
  readonly sizeBytes: number
}

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export interface PutOptions {
  /** Nobody may delete the object before this wall-clock time. A store that can not promise it refuses with OBJECT_LOCK_UNSUPPORTED. */
  readonly lockedUntilMs?: number
}

/**
 * Objects that are written once. Names are `/`-separated parts of `A-Z a-z 0-9 . _ -` that begin with a letter or digit, 512
 * bytes at most; any other is refused with OBJECT_NAME_INVALID before anything is touched. There is no way to change or delete.
 *
 * - An object appears whole or not at all: `list`, `head` and `get` never see one whose `putNew` did not finish.
 * - What `putNew` resolved for survives a power cut.
 * - Content under an existing name is never changed: the same content again is `already-there`, other content is refused with
 *   OBJECT_EXISTS. So a put whose outcome is unknown may simply be repeated.
 * - Calls may run at the same time.
 */
export interface ObjectStore {
  /** How people name it. For messages only. */
  readonly name: string
  /** `pieces` are the content one after the other; they must not change until it resolves. */
  putNew(
    name: string,
    pieces: readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<'stored' | 'already-there'>
  /** Exactly the range, or the whole object. OBJECT_ABSENT when there is none, OBJECT_TRUNCATED when it ends before the range does. */
  get(name: string, range?: ByteRange): Promise<Uint8Array>
  head(name: string): Promise<ObjectInfo | undefined>
  /** Every object whose name begins with the folder `prefix` (`''`, or ending in `/`), ordered by name. */
  list(prefix: string): Promise<readonly ObjectInfo[]>
}
