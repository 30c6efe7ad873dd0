import { lsnFromBigint, lsnToBigint } from '../domain/lsn.ts'
import type { Lsn } from '../domain/lsn.ts'

/** Positions are numbers inside capture (2^53 bytes are 9 PB of WAL) and LSNs as text at its rim. */
export function positionOf(lsn: Lsn): number {
  return Number(lsnToBigint(lsn))
}

export function lsnOf(position: number): Lsn {
  return lsnFromBigint(BigInt(position))
}

export function segmentStart(position: number, segmentBytes: number): number {
  return position - (position % segmentBytes)
}

/** The name that PostgreSQL gives the segment which holds `position`. */
export function segmentName(timeline: number, position: number, segmentBytes: number): string {
  const number = Math.floor(position / segmentBytes)
  const perLog = 0x1_0000_0000 / segmentBytes
  return `${hex8(timeline)}${hex8(Math.floor(number / perLog))}${hex8(number % perLog)}`
}

const segmentForm = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?$/

export interface NamedSegment {
  readonly name: string
  readonly timeline: number
  readonly start: number
  /** Still growing, or where its timeline was left. */
  readonly isPartial: boolean
}

export function parseSegmentName(name: string, segmentBytes: number): NamedSegment | undefined {
  const [, timeline, log, segment, partial] = segmentForm.exec(name) ?? []
  if (timeline === undefined || log === undefined || segment === undefined) return undefined
  const start = Number.parseInt(log, 16) * 0x1_0000_0000 + Number.parseInt(segment, 16) * segmentBytes
  return { name, timeline: Number.parseInt(timeline, 16), start, isPartial: partial !== undefined }
}

export function historyName(timeline: number): string {
  return `${hex8(timeline)}.history`
}

export function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0')
}
