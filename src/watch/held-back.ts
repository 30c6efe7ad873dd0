import { instantText } from '../domain/instant.ts'
import { formatDuration } from '../estate/duration.ts'
import { factsJudgement } from '../estate/facts-judgement.ts'
import type { BlockingCondition } from '../estate/schedule.ts'
import type { TimetableEntry } from '../estate/timetable.ts'
import type { PastRun, ScheduledInput, SeenCopies } from './scheduled-decision.ts'

type HeldInput = ScheduledInput & { readonly copies: SeenCopies }

/** Why what is due does not begin now; undefined when nothing stands in its way. Pure. */
export function heldBack(entry: TimetableEntry, input: HeldInput): string | undefined {
  const { estate, openRun, obstacle, copies } = input
  if (obstacle !== undefined) return obstacle
  if (openRun !== undefined) return `${openRun.run}, a ${openRun.procedure}, is open on its copies`
  const leader = noPrimary(input)
  if (leader !== undefined) return leader
  const rule = estate.approvals?.find(({ procedure }) => procedure === entry.procedure)
  if (rule !== undefined)
    return `missing-approval: approvals.${entry.procedure} asks ${rule.required} people each time, and a schedule is none`
  if (entry.procedure === 'backup-verification' && copies.snapshots.length === 0)
    return 'there is no base backup yet'
  for (const condition of entry.blockedBy) {
    const why = blocks[condition](input)
    if (why !== undefined) return `${condition}: ${why}`
  }
  return resting(entry, input)
}

function noPrimary({ cluster, facts }: HeldInput): string | undefined {
  const seen = facts.clusters.find(({ component }) => component === cluster.id)
  if (seen === undefined || seen.leader === '') return 'it was not adopted yet'
  const leader = seen.members.find(({ member }) => member === seen.leader)
  if (leader?.reachable === true && leader.role === 'primary') return undefined
  return `${leader?.name ?? seen.leader} leads and is not seen as a primary`
}

type Blocks = (input: HeldInput) => string | undefined

/** What can not be answered counts as blocked; `estate/timetable.ts` refuses two conditions that never can. */
const blocks: Readonly<Record<BlockingCondition, Blocks>> = {
  'open-run': ({ otherOpenRuns: [run] }) => run,
  'maintenance-enabled': ({ facts }) =>
    facts.maintenance?.on === true ? `since ${facts.maintenance.run}` : undefined,
  'unverified-last-copy': ({ copies: { snapshots } }) => {
    const last = snapshots.at(-1)
    if (last === undefined) return 'there is none'
    return last.restoredAtMs.length === 0 ? 'the newest base backup was never restored' : undefined
  },
  'exposure-above-objective': exposed,
  // The declaration is the approval, except where the owner wants people asked: that was judged before.
  'missing-approval': () => undefined,
  'change-freeze': () => 'unknown',
  'component-not-green': () => 'unknown',
}

function exposed({ estate, cluster, facts, copies }: HeldInput): string | undefined {
  const own = estate.objectives.filter(
    ({ components }) => components === undefined || components.includes(cluster.name),
  )
  for (const { scenario, rpoMs } of own) {
    const judgement = factsJudgement(cluster, scenario, rpoMs, facts)
    if (judgement?.refuted === true) return judgement.why
  }
  const least = Math.min(...own.filter(({ rpoMs }) => rpoMs > 0).map(({ rpoMs }) => rpoMs))
  if (!Number.isFinite(least)) return undefined
  if (copies.exposedMs === undefined) return 'nobody knows how much would be lost now'
  if (copies.exposedMs <= least) return undefined
  return `more than ${formatDuration(least)} would be lost now`
}

const firstRestMs = 60_000
const longestRestMs = 3_600_000

/** After failures in a row it rests for longer each time, at most an hour, and never longer than half of its interval. */
function resting(entry: TimetableEntry, { runs, nowMs }: HeldInput): string | undefined {
  const own = runs.filter(({ procedure }) => procedure === entry.procedure)
  const failures = own.slice(own.findLastIndex(({ outcome }) => outcome !== 'failed') + 1)
  const last = failures.at(-1)
  if (last === undefined) return undefined
  const { rhythm } = entry
  const half = rhythm.kind === 'interval' ? rhythm.dueAfterMs / 2 : longestRestMs
  const restMs = Math.min(firstRestMs * 2 ** Math.min(failures.length - 1, 10), longestRestMs, half)
  // A clock that was set back since must not make it rest for years.
  const restedMs = nowMs - last.endedAtMs
  if (restedMs >= restMs || restedMs < -longestRestMs) return undefined
  return `${said(failures)}; it is tried again at ${instantText(last.endedAtMs + restMs)}`
}

function said(failures: readonly PastRun[]): string {
  const last = failures.at(-1)?.run ?? ''
  return failures.length === 1 ? `${last} failed` : `${failures.length} runs in a row failed, ${last} last`
}
