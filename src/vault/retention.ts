import { RecoveryError } from '../domain/recovery-error.ts'

/** What is known of one snapshot when it is decided what may go. */
export interface KeptSnapshot {
  readonly epoch: string
  readonly snapshot: string
  readonly source: string
  readonly sequence: number
  readonly finishedAtMs: number
  /** Somebody restored or read it whole, and signed that. */
  readonly isVerified: boolean
  /** The store's promise; `null` when there is none. */
  readonly lockedUntilMs: number | null
}

export interface RetentionRule {
  /** How long a snapshot is kept at least. */
  readonly keepMs: number
  /** Never fewer verified snapshots of a source than this, however old. */
  readonly keepAtLeast: number
}

export interface RetentionDecision {
  /** Whole epochs, oldest first. */
  readonly expired: readonly string[]
  readonly kept: readonly { readonly epoch: string; readonly because: string }[]
}

/**
 * Which epochs may go. An epoch goes as a whole, when every snapshot in it is older than `keepMs` both by the clock and by the
 * newest snapshot of its source (so a clock that jumped ahead takes nothing), no lock holds it, and enough verified snapshots stay.
 */
export function decideRetention(
  snapshots: readonly KeptSnapshot[],
  rule: RetentionRule,
  nowMs: number,
): RetentionDecision {
  refuseBlank(rule, nowMs)
  const expired: string[] = []
  const kept: { readonly epoch: string; readonly because: string }[] = []
  let left = [...snapshots]
  for (const epoch of epochsOldestFirst(snapshots)) {
    const because = reasonToKeep(epoch, left, rule, nowMs)
    if (because !== undefined) kept.push({ epoch, because })
    else {
      expired.push(epoch)
      left = left.filter((one) => one.epoch !== epoch)
    }
  }
  return { expired, kept }
}

function reasonToKeep(
  epoch: string,
  left: readonly KeptSnapshot[],
  { keepMs, keepAtLeast }: RetentionRule,
  nowMs: number,
): string | undefined {
  const inside = left.filter((one) => one.epoch === epoch)
  for (const { source, finishedAtMs, lockedUntilMs } of inside) {
    const others = left.filter((one) => one.source === source)
    const newestMs = Math.max(...others.map((one) => one.finishedAtMs))
    if (nowMs - finishedAtMs <= keepMs) return `younger than ${keepMs} ms`
    if (newestMs - finishedAtMs <= keepMs)
      return `the newest snapshot is only ${newestMs - finishedAtMs} ms newer`
    if (lockedUntilMs !== null && (lockedUntilMs > nowMs || lockedUntilMs > newestMs)) return 'locked'
    const verified = others.filter((one) => one.isVerified && one.epoch !== epoch)
    if (verified.length < keepAtLeast) {
      return `only ${verified.length} verified snapshots would be left of ${source}, ${keepAtLeast} are demanded`
    }
  }
  return undefined
}

function epochsOldestFirst(snapshots: readonly KeptSnapshot[]): readonly string[] {
  const ordered = snapshots.toSorted((left, right) => left.sequence - right.sequence)
  return [...new Set(ordered.map(({ epoch }) => epoch))]
}

/** An empty configuration value must not mean "keep nothing". */
function refuseBlank({ keepMs, keepAtLeast }: RetentionRule, nowMs: number): void {
  const isGiven =
    Number.isSafeInteger(keepMs) && keepMs > 0 && Number.isSafeInteger(keepAtLeast) && keepAtLeast >= 1
  if (isGiven && Number.isSafeInteger(nowMs) && nowMs > 0) return
  throw new RecoveryError({
    code: 'VAULT_RETENTION_BLANK',
    class: 'refused',
    message: `retention needs a time and a number of at least 1, not ${keepMs} ms and ${keepAtLeast}`,
    hint: 'declare keep and keepAtLeast of the backup, then `pointzero check`',
  })
}
