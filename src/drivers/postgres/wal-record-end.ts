import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { lsnFromBigint, lsnToBigint } from '../../domain/lsn.ts'
import type { Lsn } from '../../domain/lsn.ts'
import { timelineHex } from './timeline-history.ts'

const pageBytes = 8192
const longHeaderBytes = 40
const shortHeaderBytes = 24

/**
 * Where the record that starts at `start` ends, as a standby that has all of it reports it. Used for the shutdown checkpoint: the
 * last record of a cleanly stopped primary, after which there is nothing to lose.
 */
export async function walRecordEnd(dataDirectory: string, timeline: number, start: Lsn): Promise<Lsn> {
  const segmentBytes = await segmentSize(dataDirectory, timeline, start)
  const position = lsnToBigint(start)
  const path = join(dataDirectory, 'pg_wal', segmentName(timeline, position, segmentBytes))
  const file = await open(path)
  try {
    const length = new Uint8Array(4)
    await file.read(length, 0, 4, Number(position % BigInt(segmentBytes)))
    return recordEnd(start, new DataView(length.buffer).getUint32(0, true), segmentBytes)
  } finally {
    await file.close()
  }
}

export function recordEnd(start: Lsn, totalLength: number, segmentBytes: number): Lsn {
  let position = lsnToBigint(start)
  let left = Math.ceil(totalLength / 8) * 8
  for (;;) {
    const room = pageBytes - Number(position % BigInt(pageBytes))
    if (left <= room) return lsnFromBigint(position + BigInt(left))
    left -= room
    position += BigInt(room)
    position += position % BigInt(segmentBytes) === 0n ? BigInt(longHeaderBytes) : BigInt(shortHeaderBytes)
  }
}

/** Segments are whole files, so their size is the segment size (initdb --wal-segsize); the name depends on it. */
export async function segmentSize(dataDirectory: string, timeline: number, start: Lsn): Promise<number> {
  for (let bytes = 1 << 20; bytes <= 1 << 30; bytes *= 2) {
    const path = join(dataDirectory, 'pg_wal', segmentName(timeline, lsnToBigint(start), bytes))
    const file = await open(path).catch(() => undefined)
    if (file === undefined) continue
    try {
      const { size } = await file.stat()
      if (size === bytes) return bytes
    } finally {
      await file.close()
    }
  }
  return 16 << 20
}

export function segmentName(timeline: number, position: bigint, segmentBytes: number): string {
  const segment = position / BigInt(segmentBytes)
  const perXlogId = 0x1_0000_0000n / BigInt(segmentBytes)
  const hex = (value: bigint): string => value.toString(16).toUpperCase().padStart(8, '0')
  return `${timelineHex(timeline)}${hex(segment / perXlogId)}${hex(segment % perXlogId)}`
}
