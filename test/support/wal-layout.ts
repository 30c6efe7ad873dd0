import { crc32cSeed, finishCrc32c, updateCrc32c } from '../../src/protocol/crc32c.ts'
import { longPageHeaderBytes, shortPageHeaderBytes, walPageBytes } from '../../src/protocol/wal-page.ts'

export interface WalPlace {
  readonly timeline: number
  /** The start of a segment. */
  readonly start: number
  readonly segmentBytes: number
  readonly system: string
}

export interface WalRecordParts {
  readonly xid: number
  /** Resource manager. */
  readonly manager: number
  readonly main: Uint8Array
  /** xl_info. */
  readonly info?: number
}

/** WAL as PostgreSQL 15 lays it out: pages with headers, records cut at page ends, each naming the one before. Writes into the bytes given. */
export class WalLayout {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #place: WalPlace
  #at = 0
  #previous = 0

  constructor(bytes: Uint8Array, place: WalPlace) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
    this.#place = place
  }

  get end(): number {
    return this.#place.start + this.#at
  }

  /** Returns where the record starts. */
  put(parts: WalRecordParts): number {
    const record = recordOf(parts, this.#previous)
    if (this.#at % walPageBytes === 0) this.#header(0)
    const began = this.end
    for (let done = 0; done < record.length;) {
      if (this.#at % walPageBytes === 0) this.#header(record.length - done)
      const room = Math.min(walPageBytes - (this.#at % walPageBytes), record.length - done)
      this.#bytes.set(record.subarray(done, done + room), this.#at)
      done += room
      this.#at += room
    }
    this.#at = Math.ceil(this.#at / 8) * 8
    this.#previous = began
    return began
  }

  /** pg_switch_wal(): zeros to the end of the segment, page headers too. */
  endSegment(): void {
    this.put({ xid: 0, manager: 0, info: 0x40, main: new Uint8Array(0) })
    const { segmentBytes } = this.#place
    this.#at = Math.ceil(this.#at / segmentBytes) * segmentBytes
  }

  /** `left`: bytes of a record that goes on here. */
  #header(left: number): void {
    const { timeline, segmentBytes, system } = this.#place
    const view = this.#view
    const at = this.#at
    const isLong = at % segmentBytes === 0
    view.setUint16(at, 0xd110, true)
    view.setUint16(at + 2, (isLong ? 2 : 0) | (left > 0 ? 1 : 0), true)
    view.setUint32(at + 4, timeline, true)
    view.setBigUint64(at + 8, BigInt(this.end), true)
    view.setUint32(at + 16, left, true)
    if (isLong) {
      view.setBigUint64(at + 24, BigInt(system), true)
      view.setUint32(at + 32, segmentBytes, true)
      view.setUint32(at + 36, walPageBytes, true)
    }
    this.#at += isLong ? longPageHeaderBytes : shortPageHeaderBytes
  }
}

function recordOf({ xid, manager, main, info = 0 }: WalRecordParts, previous: number): Uint8Array {
  const record = new Uint8Array(24 + 5 + main.length)
  const view = new DataView(record.buffer)
  view.setUint32(0, record.length, true)
  view.setUint32(4, xid, true)
  view.setBigUint64(8, BigInt(previous), true)
  view.setUint8(16, info)
  view.setUint8(17, manager)
  view.setUint8(24, 254)
  view.setUint32(25, main.length, true)
  record.set(main, 29)
  const sum = updateCrc32c(updateCrc32c(crc32cSeed, record, 24), record, 0, 20)
  view.setUint32(20, finishCrc32c(sum), true)
  return record
}
