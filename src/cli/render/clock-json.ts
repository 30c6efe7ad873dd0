import type { ClockEntry } from '../../capture/commit-clock.ts'
import { lsnOf } from '../../capture/wal-position.ts'

/** To the microsecond, UTC. */
export function microsecondText(microseconds: number): string {
  const instant = Temporal.Instant.fromEpochNanoseconds(BigInt(microseconds) * 1000n)
  return instant.toString({ smallestUnit: 'microsecond' })
}

export function clockJson({ kind, timeline, start, xid, timeMicroseconds, name }: ClockEntry) {
  return {
    kind,
    timeline,
    lsn: lsnOf(start),
    xid,
    time: microsecondText(timeMicroseconds),
    timeMicroseconds: String(timeMicroseconds),
    ...(name === '' ? {} : { name }),
  }
}
