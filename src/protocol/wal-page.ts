/** WAL positions are byte offsets as numbers here: 2^53 bytes are 9 PB of WAL, and a record a bigint would halve the speed. */
export const walPageBytes = 8192
export const shortPageHeaderBytes = 24
export const longPageHeaderBytes = 40

const flags = { continuation: 1, longHeader: 2, overwritten: 8 } as const

/** XLOG_PAGE_MAGIC: which PostgreSQL wrote the page. */
const majorByMagic: ReadonlyMap<number, number> = new Map([
  [0xd110, 15],
  [0xd113, 16],
  [0xd116, 17],
  [0xd118, 18],
])

export interface WalPage {
  /** Major version of the server that wrote it. */
  readonly major: number
  readonly timeline: number
  readonly headerBytes: number
  /** It begins with the rest of a record; `0` when it begins with a record. */
  readonly continuedBytes: number
  /** The record that should go on here was given up in a crash recovery. */
  readonly overwritesRecord: boolean
  /** Only in the first page of a segment. */
  readonly systemIdentifier?: string
  readonly segmentBytes?: number
}

/** Reads the header of the page at `position`; a text when the bytes are not that page. */
export function readWalPage(bytes: Uint8Array, offset: number, position: number): WalPage | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset)
  const magic = view.getUint16(0, true)
  const major = majorByMagic.get(magic)
  if (major === undefined) return magic === 0 ? 'zeros' : `page magic ${magic.toString(16).toUpperCase()}`
  const info = view.getUint16(2, true)
  const address = view.getUint32(8, true) + view.getUint32(12, true) * 0x1_0000_0000
  if (address !== position) return `a page of ${address.toString(16)} instead`
  const isLong = (info & flags.longHeader) !== 0
  const page = {
    major,
    timeline: view.getUint32(4, true),
    headerBytes: isLong ? longPageHeaderBytes : shortPageHeaderBytes,
    continuedBytes: (info & flags.continuation) === 0 ? 0 : view.getUint32(16, true),
    overwritesRecord: (info & flags.overwritten) !== 0,
  }
  if (!isLong || view.byteLength < longPageHeaderBytes) return page
  return {
    ...page,
    systemIdentifier: view.getBigUint64(24, true).toString(),
    segmentBytes: view.getUint32(32, true),
  }
}

export function pageStart(position: number): number {
  return position - (position % walPageBytes)
}
