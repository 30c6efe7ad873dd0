/** Content is cut into pieces of this size, file by file; the last one of a file is shorter. */
export const chunkBytes = 1024 * 1024
/** A pack is sealed once it holds this much. */
export const packTargetBytes = 16 * 1024 * 1024
/** What a reader accepts of a pack; more is damage or an attack. */
export const packChunksMax = 65_536
export const packHeaderMaxBytes = 64 * 1024
export const recipientsMax = 64
/** Signed documents are small; what grows with the data lies in packs and pack lists. */
export const documentMaxBytes = 16 * 1024 * 1024
/** One line of the file table. */
export const tableLineMaxBytes = 8 * 1024 * 1024
/** backup_manifest: about 200 bytes a file. */
export const backupManifestMaxBytes = 512 * 1024 * 1024
export const packListMaxBytes = 64 * 1024 * 1024
