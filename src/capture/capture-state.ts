import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { CaptureEvent } from './capture-event.ts'
import { lsnOf } from './wal-position.ts'

/** What the primary itself says about this receiver, asked over an ordinary session. */
export interface PrimaryReading {
  readonly atMs: number
  /** How far its WAL had come. */
  readonly walEnd?: number
  /** pg_stat_replication: `sync` and `quorum` confirm commits, `potential` and `async` do not. Absent: it is not connected there. */
  readonly syncState?: string
  readonly slotStatus?: string
  /** WAL that the slot keeps on the primary's disk. */
  readonly slotRetainedBytes?: number
  /** Some session may wait for what a receiver never does (synchronous_commit = remote_apply). */
  readonly waitsForApply: boolean
}

export type Protection =
  /** Every commit that waits for its synchronous standbys is durable here, or counts on us among others. */
  | { readonly kind: 'sync' }
  /** Commits do not wait for us: so many bytes would be lost with the primary. */
  | { readonly kind: 'streaming'; readonly exposedBytes: number }
  /** Not receiving. */
  | { readonly kind: 'degraded'; readonly sinceMs: number; readonly reason: string }

export type CaptureAlarm =
  | 'slot-unlimited'
  | 'slot-half-full'
  | 'slot-lost'
  | 'no-slot'
  | 'waits-for-apply'
  | 'gap'
  | 'conflict'

export interface CaptureState {
  readonly format: 'pointzero/capture-state/1'
  readonly protection: Protection
  readonly source: string | null
  readonly timeline: number | null
  /** Everything before is durable here. */
  readonly durableLsn: Lsn | null
  /** How long ago everything that the primary had was durable here; null when it never was. */
  readonly exposedMs: number | null
  readonly slot: {
    readonly limitBytes: number | null
    readonly retainedBytes: number | null
    readonly status: string | null
  }
  readonly alarms: readonly CaptureAlarm[]
}

/** What was heard so far. Wall times are stamps only. */
export interface CaptureFacts {
  readonly source?: string
  readonly timeline?: number
  readonly flushed?: number
  readonly serverEnd?: number
  readonly isConnected: boolean
  readonly interruptedAtMs: number
  readonly reason: string
  readonly slotLimit?: { readonly bytes?: number }
  readonly hasGap: boolean
  readonly hasConflict: boolean
  readonly reading?: PrimaryReading
  /** The last moment of which everything is held. */
  readonly heldAtMs?: number
  /** The oldest moment of which not everything was held when it was looked at. */
  readonly awaited?: { readonly atMs: number; readonly walEnd: number }
}

export function initialFacts(atMs: number): CaptureFacts {
  return {
    isConnected: false,
    interruptedAtMs: atMs,
    reason: 'not connected yet',
    hasGap: false,
    hasConflict: false,
  }
}

export function heard(facts: CaptureFacts, event: CaptureEvent, atMs: number): CaptureFacts {
  switch (event.kind) {
    case 'connected':
      return { ...facts, isConnected: true, source: event.source, timeline: event.timeline }
    case 'progress':
      return advanced(
        {
          ...facts,
          isConnected: true,
          timeline: event.timeline,
          flushed: event.flushed,
          serverEnd: event.serverEnd,
        },
        { atMs, walEnd: event.serverEnd },
      )
    case 'slot-limit':
      return { ...facts, slotLimit: event.bytes === undefined ? {} : { bytes: event.bytes } }
    case 'gap':
      return { ...facts, hasGap: true }
    case 'conflict':
      return { ...facts, hasConflict: true }
    case 'interrupted':
      return interrupted(facts, event.error, atMs)
    case 'segment':
    case 'history':
    case 'timeline-left':
      return facts
  }
}

/** `now` is what the primary was seen to have. */
function advanced(
  facts: CaptureFacts,
  now: { readonly atMs: number; readonly walEnd: number },
): CaptureFacts {
  const flushed = facts.flushed ?? -1
  if (now.walEnd <= flushed) return { ...withoutAwaited(facts), heldAtMs: now.atMs }
  const { awaited } = facts
  if (awaited === undefined) return { ...facts, awaited: now }
  return awaited.walEnd <= flushed ? { ...facts, heldAtMs: awaited.atMs, awaited: now } : facts
}

function withoutAwaited(facts: CaptureFacts): CaptureFacts {
  const { awaited: _, ...rest } = facts
  return rest
}

/** What the primary said over an ordinary session. */
export function read(facts: CaptureFacts, reading: PrimaryReading): CaptureFacts {
  const known = { ...facts, reading }
  const { walEnd, atMs } = reading
  return walEnd === undefined ? known : advanced(known, { atMs, walEnd })
}

/** Degraded counts from the first interruption, not from the last of many attempts. */
function interrupted(facts: CaptureFacts, error: ErrorRecord, atMs: number): CaptureFacts {
  const { reading: _, ...rest } = facts
  return {
    ...rest,
    isConnected: false,
    interruptedAtMs: facts.isConnected ? atMs : facts.interruptedAtMs,
    reason: `${error.code}: ${error.message}`,
  }
}

const readingFreshMs = 5_000

/** The true state. `sync` is only said when the primary itself said so lately. */
export function captureState(
  facts: CaptureFacts,
  options: { readonly hasSlot: boolean; readonly nowMs: number },
): CaptureState {
  const { reading, slotLimit } = facts
  const isFresh = reading !== undefined && options.nowMs - reading.atMs <= readingFreshMs
  const retainedBytes = isFresh ? (reading.slotRetainedBytes ?? null) : null
  return {
    format: 'pointzero/capture-state/1',
    protection: protectionOf(facts, isFresh ? reading : undefined),
    source: facts.source ?? null,
    timeline: facts.timeline ?? null,
    exposedMs: facts.heldAtMs === undefined ? null : Math.max(Math.round(options.nowMs - facts.heldAtMs), 0),
    durableLsn: facts.flushed === undefined ? null : lsnOf(facts.flushed),
    slot: {
      limitBytes: slotLimit?.bytes ?? null,
      retainedBytes,
      status: isFresh ? (reading.slotStatus ?? null) : null,
    },
    alarms: alarmsOf(facts, options.hasSlot, retainedBytes),
  }
}

function protectionOf(facts: CaptureFacts, reading: PrimaryReading | undefined): Protection {
  if (!facts.isConnected || facts.flushed === undefined)
    return { kind: 'degraded', sinceMs: facts.interruptedAtMs, reason: facts.reason }
  if (reading?.syncState === 'sync' || reading?.syncState === 'quorum') return { kind: 'sync' }
  return { kind: 'streaming', exposedBytes: Math.max((facts.serverEnd ?? 0) - facts.flushed, 0) }
}

function alarmsOf(facts: CaptureFacts, hasSlot: boolean, retained: number | null): readonly CaptureAlarm[] {
  const limit = facts.slotLimit?.bytes
  const { reading } = facts
  const alarms: readonly (readonly [CaptureAlarm, boolean])[] = [
    ['no-slot', !hasSlot],
    ['slot-unlimited', hasSlot && facts.slotLimit !== undefined && limit === undefined],
    ['slot-half-full', limit !== undefined && retained !== null && retained > limit / 2],
    ['slot-lost', reading?.slotStatus === 'lost' || reading?.slotStatus === 'unreserved'],
    ['waits-for-apply', reading?.waitsForApply === true],
    ['gap', facts.hasGap],
    ['conflict', facts.hasConflict],
  ]
  return alarms.flatMap(([alarm, rings]) => (rings ? [alarm] : []))
}
