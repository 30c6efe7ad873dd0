import type { Attempt } from './raw-log.ts'

/** What clients of one kind saw. Durations in milliseconds; every stamp is of the monotonic clock. */
export interface ClientView {
  readonly attempts: number
  readonly acknowledged: number
  readonly failed: number
  /** Longest time between two acknowledgements that follow each other, or after the last one until the log ends. */
  readonly longestGapMs: number
  readonly gapFromMs: number
  /** Absent: no request failed at or after the fault. */
  readonly transition?: Transition
}

export interface Transition {
  /** When the first request that failed was sent. */
  readonly firstFailedMs: number
  /** First failed request → the acknowledgement that ended the longest gap. Absent: none came any more. */
  readonly recoveryMs?: number
  /** First failed request → the first acknowledgement after the last failure. */
  readonly settledMs?: number
  readonly requests: number
  readonly failures: number
  /** Failures per thousand requests, from the first failed request until it was settled. */
  readonly failuresPerThousand: number
}

/** `logEndMs`: until when the clients were asking. */
export function viewOfClients(
  attempts: readonly Attempt[],
  faultMs: number | undefined,
  logEndMs: number,
): ClientView {
  const acks = attempts
    .filter(({ outcome }) => outcome === 'acked')
    .map(endOf)
    .toSorted((a, b) => a - b)
  const failures = attempts.filter((attempt) => attempt.outcome !== 'acked')
  const gap = longestGap(acks, logEndMs)
  const relevant = failures.filter((attempt) => faultMs === undefined || endOf(attempt) >= faultMs)
  return {
    attempts: attempts.length,
    acknowledged: acks.length,
    failed: failures.length,
    longestGapMs: gap.toMs - gap.fromMs,
    gapFromMs: gap.fromMs,
    ...(relevant.length === 0 ? {} : { transition: transitionOf(attempts, relevant, acks, logEndMs) }),
  }
}

function transitionOf(
  attempts: readonly Attempt[],
  failures: readonly Attempt[],
  acks: readonly number[],
  logEndMs: number,
): Transition {
  const firstFailedMs = Math.min(...failures.map(({ sentMs }) => sentMs))
  const lastFailedMs = Math.max(...failures.map(endOf))
  const before = acks.findLast((ms) => ms <= firstFailedMs) ?? firstFailedMs
  const gap = longestGap([before, ...acks.filter((ms) => ms > before)], logEndMs)
  const settled = acks.find((ms) => ms > lastFailedMs)
  const requests = attempts.filter((attempt) => {
    return attempt.sentMs >= firstFailedMs && attempt.sentMs <= (settled ?? logEndMs)
  })
  const failed = requests.filter(({ outcome }) => outcome !== 'acked').length
  return {
    firstFailedMs,
    ...(acks.includes(gap.toMs) ? { recoveryMs: Math.max(0, gap.toMs - firstFailedMs) } : {}),
    ...(settled === undefined ? {} : { settledMs: settled - firstFailedMs }),
    requests: requests.length,
    failures: failed,
    failuresPerThousand: Math.round((failed * 1000) / Math.max(1, requests.length)),
  }
}

interface Gap {
  readonly fromMs: number
  readonly toMs: number
}

/** The time after the last acknowledgement counts: an outage that never ended is the longest of all. */
function longestGap(acks: readonly number[], logEndMs: number): Gap {
  const [first] = acks
  let longest: Gap = { fromMs: first ?? logEndMs, toMs: first ?? logEndMs }
  for (const [index, fromMs] of acks.entries()) {
    const toMs = acks[index + 1] ?? Math.max(fromMs, logEndMs)
    if (toMs - fromMs > longest.toMs - longest.fromMs) longest = { fromMs, toMs }
  }
  return longest
}

function endOf({ endMs, sentMs }: Attempt): number {
  return endMs ?? sentMs
}
