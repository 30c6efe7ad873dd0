import type { Facts } from '../domain/facts.ts'
import { firingsAt } from '../estate/firing.ts'
import type { Estate, PostgresComponent } from '../estate/estate.ts'
import type { Rhythm, TimetableEntry } from '../estate/timetable.ts'
import { heldBack } from './held-back.ts'

/** What the host that keeps them showed of the copies of a component. Stamps are of that host's wall clock. */
export interface SeenCopies {
  readonly snapshots: readonly { readonly takenAtMs: number; readonly restoredAtMs: readonly number[] }[]
  /** How long ago the archive held all that the primary had; absent: nobody knows. */
  readonly exposedMs?: number
}

/** A run on the copies that came to an end. Stamps are of who opened and ended it. */
export interface PastRun {
  readonly run: string
  readonly procedure: string
  readonly outcome: 'completed' | 'cancelled' | 'failed'
  readonly openedAtMs: number
  readonly endedAtMs: number
}

export interface ScheduledInput {
  readonly estate: Estate
  readonly cluster: PostgresComponent
  /** Those of the cluster. */
  readonly entries: readonly TimetableEntry[]
  readonly facts: Facts
  /** Wall ms of the control plane. */
  readonly nowMs: number
  /** Undefined: no fresh report, or it has not read them yet. */
  readonly copies: SeenCopies | undefined
  /** Oldest first, in the order in which they ended, whatever the clocks said. */
  readonly runs: readonly PastRun[]
  /** The run that is open on the copies; and those on the cluster or on its doors. */
  readonly openRun?: { readonly run: string; readonly procedure: string }
  readonly otherOpenRuns: readonly string[]
  /** Why nothing may start on the copies now, by what this process knows itself. */
  readonly obstacle?: string
}

/** What became of one declaration so far, and what comes next. */
export interface EntryState {
  readonly declaration: string
  readonly component: string
  readonly procedure: TimetableEntry['procedure']
  readonly start: TimetableEntry['start']
  /** `day`, `PT6H`, or the schedule's words. */
  readonly every: string
  /** The newest backup or restore test that counts; absent: none is known. Wall ms, as all below. */
  readonly lastMs?: number
  /** When the next may begin; it is due when that has passed. Absent: nobody knows. */
  readonly nextMs?: number
  readonly isDue: boolean
  /** It should have been done since then. */
  readonly overdueSinceMs?: number
  /** The run that is doing it. */
  readonly underWay?: string
  /** Due, and passed over because of this. */
  readonly passedOver?: string
}

export interface ScheduledDecision {
  readonly start?: TimetableEntry
  readonly entries: readonly EntryState[]
}

/**
 * What to begin now because the owner declared when; at most one, as they share a scope, and a backup before its restore test. Pure. It
 * compares wall times of several hosts, so a clock that was set wrong can cost one backup too many or delay one, and no more.
 */
export function decideScheduled(input: ScheduledInput): ScheduledDecision {
  const judged = input.entries.map((entry) => ({ entry, state: judge(entry, input) }))
  const ready = judged.filter(
    ({ entry, state }) =>
      entry.start === 'automatic' &&
      state.isDue &&
      state.passedOver === undefined &&
      state.underWay === undefined,
  )
  const first = ready.find(({ entry }) => entry.procedure === 'backup') ?? ready[0]
  const entries = judged.map(({ entry, state }) =>
    ready.some((one) => one.entry === entry) && entry !== first?.entry
      ? { ...state, passedOver: `${first?.entry.procedure} goes first` }
      : state,
  )
  return { ...(first === undefined ? {} : { start: first.entry }), entries }
}

function judge(entry: TimetableEntry, input: ScheduledInput): EntryState {
  const { declaration, component, procedure, start, rhythm } = entry
  const fields = { declaration, component, procedure, start, every: everyText(rhythm) }
  const { copies } = input
  if (copies === undefined) {
    const passedOver = 'nobody has said what is kept: unknown is not "none"'
    return { ...fields, isDue: false, ...(start === 'automatic' ? { passedOver } : {}) }
  }
  const occasion =
    rhythm.kind === 'interval' ? ofInterval(entry, rhythm, input) : ofCalendar(entry, rhythm, input)
  const { lastMs, nextMs, isDue, missed, overdueSinceMs } = occasion
  const underWay = input.openRun?.procedure === procedure ? input.openRun.run : undefined
  const mayBegin = isDue && start === 'automatic' && underWay === undefined
  const held = mayBegin ? heldBack(entry, { ...input, copies }) : missed
  return {
    ...fields,
    nextMs,
    isDue,
    ...(lastMs === undefined ? {} : { lastMs }),
    ...(overdueSinceMs === undefined ? {} : { overdueSinceMs }),
    ...(underWay === undefined ? {} : { underWay }),
    ...(held === undefined ? {} : { passedOver: held }),
  }
}

interface Occasion {
  readonly lastMs: number | undefined
  readonly nextMs: number
  readonly isDue: boolean
  readonly overdueSinceMs?: number | undefined
  readonly missed?: string | undefined
}

function ofInterval(
  entry: TimetableEntry,
  { dueAfterMs, everyMs }: Rhythm & { kind: 'interval' },
  input: ScheduledInput,
): Occasion {
  const { nowMs } = input
  const done = begunOrDone(entry, input, dueAfterMs)
  const lastMs = newest(done)
  // Whoever cancels one does not want the next at once.
  const cancelled = usable(runsOf(entry, input, 'cancelled'), nowMs, dueAfterMs)
  const since = newest([...done, ...cancelled])
  const nextMs = since === undefined ? nowMs : since + dueAfterMs
  const allowedMs = lastMs === undefined ? undefined : lastMs + everyMs
  const isLate = allowedMs !== undefined && nowMs > allowedMs + graceMs(everyMs)
  return { lastMs, nextMs, isDue: nowMs >= nextMs, overdueSinceMs: isLate ? allowedMs : undefined }
}

function ofCalendar(
  entry: TimetableEntry,
  { schedule }: Rhythm & { kind: 'calendar' },
  input: ScheduledInput,
): Occasion {
  const { nowMs } = input
  const { current, next } = firingsAt(schedule, nowMs)
  const periodMs = next.opensMs - current.opensMs
  const done = begunOrDone(entry, input, periodMs)
  const lastMs = newest(done)
  const cancelled = usable(runsOf(entry, input, 'cancelled'), nowMs, periodMs)
  const isServed = [...done, ...cancelled].some((atMs) => atMs >= current.opensMs)
  const isOpen = nowMs < current.closesMs
  const isMissed = !isServed && !isOpen && lastMs !== undefined
  const isLate = !isServed && lastMs !== undefined && nowMs > current.opensMs + graceMs(periodMs)
  return {
    lastMs,
    nextMs: isServed || !isOpen ? next.opensMs : current.opensMs,
    isDue: !isServed && isOpen,
    overdueSinceMs: isMissed || isLate ? current.opensMs : undefined,
    missed: isMissed ? 'its window passed without it' : undefined,
  }
}

/**
 * The times of what counts: completed runs by when they began, so that a schedule does not drift, and what the vault shows beside them. A time
 * from the future counts up to one period: further away a clock was wrong, and what it stamped says nothing.
 */
function begunOrDone(entry: TimetableEntry, input: ScheduledInput, periodMs: number): readonly number[] {
  const runs = input.runs.filter(
    ({ procedure, outcome }) => procedure === entry.procedure && outcome === 'completed',
  )
  const kept = (input.copies?.snapshots ?? []).flatMap(({ takenAtMs, restoredAtMs }) =>
    entry.procedure === 'backup' ? [takenAtMs] : restoredAtMs,
  )
  const beside = kept.filter(
    (atMs) =>
      !runs.some(({ openedAtMs, endedAtMs }) => atMs >= openedAtMs - skewMs && atMs <= endedAtMs + skewMs),
  )
  return usable([...runs.map(({ openedAtMs }) => openedAtMs), ...beside], input.nowMs, periodMs)
}

/** Clocks of two hosts may differ by this much. */
const skewMs = 60_000

function usable(times: readonly number[], nowMs: number, periodMs: number): readonly number[] {
  return times.filter((atMs) => atMs <= nowMs + Math.max(skewMs, periodMs))
}

function runsOf(
  { procedure }: TimetableEntry,
  { runs }: ScheduledInput,
  outcome: PastRun['outcome'],
): readonly number[] {
  return runs
    .filter((run) => run.procedure === procedure && run.outcome === outcome)
    .map(({ openedAtMs }) => openedAtMs)
}

function newest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times)
}

/** One that is under way is not overdue yet. */
function graceMs(everyMs: number): number {
  return Math.min(Math.max(everyMs / 4, 30_000), 6 * 3_600_000)
}

function everyText(rhythm: Rhythm): string {
  if (rhythm.kind === 'interval') return rhythm.every
  const { every, on, window, timeZone } = rhythm.schedule
  return [every, on, window, timeZone].filter((part) => part !== undefined).join(' ')
}
