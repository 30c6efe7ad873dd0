/** Small durable files (agent state, keys, configuration). Paths are absolute. Bulk data goes through the drivers' own ports. */
export interface Files {
  /** `undefined` when the file does not exist. */
  read(path: string): Promise<Uint8Array | undefined>
  /**
   * Replaces the file atomically and durably: write beside it, fsync, rename, fsync the directory. After it resolves the new
   * content survives a power cut; before, the old one does. Mode 0600.
   */
  replace(path: string, content: Uint8Array): Promise<void>
}
