import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { lsnToBigint } from '../../domain/lsn.ts'
import type { WalPosition } from './timeline-history.ts'
import { segmentName, segmentSize } from './wal-record-end.ts'

/** SHA-256 in hex of the first `length` bytes of a WAL file of the upstream; `undefined` when it has no such file any more. */
export type DigestUpstreamWal = (name: string, length: number) => Promise<string | undefined>

/**
 * Timeline numbers do not tell two histories apart: two standbys that were promoted without knowing of each other take the same number
 * (T09), and position and history file may agree as well. So the newest WAL that the member holds is compared byte for byte with what the
 * upstream holds there. What can not be compared, because it was recycled, does not count as the same.
 */
export async function holdsSameWal(
  dataDirectory: string,
  own: WalPosition,
  upstreamTimelines: readonly number[],
  digestOf: DigestUpstreamWal,
): Promise<boolean> {
  const end = lsnToBigint(own.lsn)
  const bytes = await segmentSize(dataDirectory, own.timeline, own.lsn)
  const last = end - 1n
  const length = Number(end - (last / BigInt(bytes)) * BigInt(bytes))
  const mine = await digestOfFile(
    join(dataDirectory, 'pg_wal', segmentName(own.timeline, last, bytes)),
    length,
  )
  if (mine === undefined) return false
  // A timeline that began in this segment has a copy of what was there before.
  for (const timeline of upstreamTimelines) {
    if (timeline < own.timeline) continue
    const theirs = await digestOf(segmentName(timeline, last, bytes), length)
    if (theirs !== undefined) return theirs === mine
  }
  return false
}

async function digestOfFile(path: string, length: number): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const content = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await file.read(content, filled, length - filled, filled)
      if (bytesRead === 0) return undefined
      filled += bytesRead
    }
    return createHash('sha256').update(content).digest('hex')
  } finally {
    await file.close()
  }
}
