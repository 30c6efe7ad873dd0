import type { Attempt, RoleSample } from './raw-log.ts'

/** Writes that an older primary confirmed although a newer one had confirmed already. */
export interface DualConfirm {
  readonly olderServer: string
  readonly olderTimeline: number
  readonly newerServer: string
  readonly newerTimeline: number
  /** From the newer one's first confirmation to the older one's last. */
  readonly fromMs: number
  readonly toMs: number
  readonly writes: number
}

export interface DualRole {
  readonly servers: readonly [string, string]
  readonly overlapMs: number
}

/**
 * Every promotion begins a timeline, so a confirmed write says under which primary it was. A write is confirmed somewhere between
 * being sent and being acknowledged: it came later for certain only if it was sent after the other was acknowledged. Two
 * servers that confirm on one timeline are two primaries whatever the order.
 */
export function findDualConfirms(attempts: readonly Attempt[]): readonly DualConfirm[] {
  const acks = attempts.filter(({ outcome, server, timeline }) => {
    return outcome === 'acked' && server !== undefined && timeline !== undefined
  })
  const groups = [
    ...Map.groupBy(acks, ({ server, timeline }) => `${String(timeline)} ${String(server)}`).values(),
  ]
  return groups.flatMap((older) => groups.flatMap((newer) => compare(older, newer)))
}

function compare(older: readonly Attempt[], newer: readonly Attempt[]): readonly DualConfirm[] {
  const [a] = older
  const [b] = newer
  if (a?.server === undefined || b?.server === undefined || older === newer) return []
  const [olderTimeline, newerTimeline] = [a.timeline ?? 0, b.timeline ?? 0]
  const isSameTimeline = olderTimeline === newerTimeline
  // Each pair is compared in both orders; of two servers on one timeline only one order is reported.
  if (olderTimeline > newerTimeline || (isSameTimeline && firstEnd(older) > firstEnd(newer))) return []
  const fromMs = firstEnd(newer)
  const late = older.filter(({ sentMs }) => isSameTimeline || sentMs > fromMs)
  if (late.length === 0) return []
  const toMs = Math.max(...late.map(({ endMs, sentMs }) => endMs ?? sentMs))
  return [
    {
      olderServer: a.server,
      olderTimeline,
      newerServer: b.server,
      newerTimeline,
      fromMs,
      toMs,
      writes: late.length,
    },
  ]
}

function firstEnd(acks: readonly Attempt[]): number {
  return Math.min(...acks.map(({ endMs, sentMs }) => endMs ?? sentMs))
}

/** How long two members both said that they are primary (stale reads are possible then; not by itself a loss). */
export function findDualRoles(samples: readonly RoleSample[]): readonly DualRole[] {
  const spans = [...Map.groupBy(samples, ({ server }) => server)].map(([server, of]) => ({
    server,
    spans: primarySpans(of),
  }))
  return spans.flatMap((left, index) => {
    return spans.slice(index + 1).flatMap((right): readonly DualRole[] => {
      const overlapMs = left.spans
        .flatMap((a) => right.spans.map((b) => Math.min(a.toMs, b.toMs) - Math.max(a.fromMs, b.fromMs)))
        .filter((ms) => ms > 0)
        .reduce((sum, ms) => sum + ms, 0)
      return overlapMs > 0 ? [{ servers: [left.server, right.server], overlapMs }] : []
    })
  })
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** Between two answers in a row that both say primary it was one; a silent second in between is not counted. */
function primarySpans(samples: readonly RoleSample[]): readonly Span[] {
  return samples
    .toSorted((a, b) => a.atMs - b.atMs)
    .flatMap((sample, index, all): readonly Span[] => {
      const next = all[index + 1]
      if (next === undefined || sample.role !== 'primary' || next.role !== 'primary') return []
      return next.atMs - sample.atMs > 1000 ? [] : [{ fromMs: sample.atMs, toMs: next.atMs }]
    })
}
