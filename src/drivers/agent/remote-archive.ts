import { copiesBytesMax, copiesMethods } from '../../ports/copies-wire.ts'
import type { SizeReply, SizesReply } from '../../ports/copies-wire.ts'
import type { ArchiveReader } from '../../ports/recovery-source.ts'
import type { CopiesCall } from './copies-call.ts'
import { ReadAhead } from './read-ahead.ts'
import type { ReadBlock } from './read-ahead.ts'

/** A whole segment has its final name and changes no more; everything else in an archive may grow. */
const sealed = /^wal\/[0-9A-F]{24}$/
const piecesAtOnce = 4

/** A WAL archive behind the agent that keeps it. */
export function openRemoteArchive(call: CopiesCall): ArchiveReader {
  const piece: ReadBlock = async (path, offset, length) =>
    call.bytes(copiesMethods.archiveRead, { path, offset, length })
  const ahead = new ReadAhead(piece)
  return {
    name: call.name,
    async list(folder) {
      const reply = await call.ask(copiesMethods.archiveList, { path: folder })
      return (reply as unknown as { readonly names: readonly string[] }).names
    },
    async sizes(folder) {
      const reply = await call.ask(copiesMethods.archiveSizes, { path: folder })
      return new Map((reply as unknown as SizesReply).files.map(({ name, sizeBytes }) => [name, sizeBytes]))
    },
    async sizeOf(path) {
      return ((await call.ask(copiesMethods.archiveSize, { path })) as SizeReply).sizeBytes
    },
    async read(path, offset, length) {
      return sealed.test(path) ? ahead.read(path, offset, length) : inPieces(piece, path, offset, length)
    },
  }
}

/** Several pieces are under way at once; the first short one is the end of the file, whatever was asked for behind it. */
async function inPieces(read: ReadBlock, path: string, offset: number, length: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const until = offset + length
  for (let at = offset; at < until; at += piecesAtOnce * copiesBytesMax) {
    const starts = Array.from({ length: piecesAtOnce }, (_, index) => at + index * copiesBytesMax)
    const reads = starts
      .filter((start) => start < until)
      .map(async (start) => {
        const wanted = Math.min(copiesBytesMax, until - start)
        return { wanted, bytes: await read(path, start, wanted) }
      })
    for (const { wanted, bytes } of await Promise.all(reads)) {
      pieces.push(bytes)
      if (bytes.length < wanted) return new Uint8Array(Buffer.concat(pieces))
    }
  }
  return new Uint8Array(Buffer.concat(pieces))
}
