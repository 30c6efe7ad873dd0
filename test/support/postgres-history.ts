import { RecoveryError } from '../../src/domain/recovery-error.ts'
import type { DatabaseMember, MemberObservation, Upstream } from '../../src/ports/database-member.ts'

/**
 * What one command script does to three members, as a list of outcomes: recorded from real servers by tools/record-history.ts, replayed on the
 * model by test/simulation/postgres-history.sim.test.ts. Only what both must agree on is kept: no LSN, no time.
 */
export interface PostgresHistory {
  readonly format: 'pointzero/postgres-history/1'
  readonly recordedFrom: string
  readonly entries: readonly HistoryEntry[]
}

export interface HistoryEntry {
  readonly command: HistoryCommand
  readonly outcome: Outcome
}

/** `of` names the member; `to` another one. */
export interface HistoryCommand {
  readonly of: string
  readonly call:
    | 'observe'
    | 'start'
    | 'kill'
    | 'stop-clean'
    | 'detach'
    | 'follow'
    | 'set-sync'
    | 'promote'
    | 'checkpoint'
    | 'rejoin'
    | 'write'
    | 'settle'
  readonly to?: string
  readonly names?: readonly string[]
  readonly count?: number
}

export type Outcome =
  | { readonly ok: true; readonly seen?: Seen }
  | { readonly ok: false; readonly code: string }
export type Seen = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface HistoryMember {
  readonly member: DatabaseMember
  readonly upstream: Upstream
}

/** Longer than any reconnection, shorter than any time-out. */
export const settleMs = 2_500
const writeMs = 1_000

export async function playHistory(
  members: ReadonlyMap<string, HistoryMember>,
  commands: readonly HistoryCommand[],
  wait: (ms: number) => Promise<void>,
): Promise<readonly HistoryEntry[]> {
  const entries: HistoryEntry[] = []
  for (const command of commands) {
    const outcome = command.call === 'settle' ? await settled(wait) : await outcomeOf(members, command)
    entries.push({ command, outcome })
  }
  return entries
}

async function settled(wait: (ms: number) => Promise<void>): Promise<Outcome> {
  await wait(settleMs)
  return { ok: true }
}

async function outcomeOf(
  members: ReadonlyMap<string, HistoryMember>,
  command: HistoryCommand,
): Promise<Outcome> {
  try {
    const seen = await perform(members, command)
    return seen === undefined ? { ok: true } : { ok: true, seen }
  } catch (error) {
    if (error instanceof RecoveryError) return { ok: false, code: error.code }
    throw error
  }
}

async function perform(
  members: ReadonlyMap<string, HistoryMember>,
  command: HistoryCommand,
): Promise<Seen | undefined> {
  const { member } = named(members, command.of)
  switch (command.call) {
    case 'observe':
      return describe(members, await member.observe())
    case 'stop-clean':
      return { timeline: (await member.stopClean()).timeline }
    case 'rejoin':
      return { method: (await member.rejoin(named(members, command.to).upstream)).method }
    case 'write':
      await member.writeCanary(1_767_225_600_000, writeMs)
      return undefined
    default:
      await effect(members, member, command)
      return undefined
  }
}

async function effect(
  members: ReadonlyMap<string, HistoryMember>,
  member: DatabaseMember,
  { call, to, names, count }: HistoryCommand,
): Promise<void> {
  if (call === 'start') await member.startAsStandby()
  else if (call === 'kill') await member.stopImmediate()
  else if (call === 'detach') await member.detach()
  else if (call === 'follow') await member.follow(named(members, to).upstream)
  else if (call === 'set-sync') await member.setSynchronous(names ?? [], count ?? 0)
  else if (call === 'promote') await member.promote()
  else if (call === 'checkpoint') await member.checkpoint()
}

function describe(members: ReadonlyMap<string, HistoryMember>, seen: MemberObservation): Seen {
  const upstream = [...members].find(
    ([
      ,
      {
        upstream: { address, port },
      },
    ]) => `${address}:${port}` === seen.upstream,
  )?.[0]
  const names = (texts: readonly string[]): readonly string[] => texts.toSorted()
  return {
    role: seen.role,
    ...(seen.timeline === undefined ? {} : { timeline: seen.timeline }),
    ...(seen.role === 'standby' ? { upstream: upstream ?? '', streaming: seen.streaming === true } : {}),
    ...(seen.role === 'primary' ? { standbys: names((seen.standbys ?? []).map(({ name }) => name)) } : {}),
    ...(seen.syncNames === undefined
      ? {}
      : { syncNames: names(seen.syncNames), syncCount: seen.syncCount ?? 0 }),
    ...(seen.role === 'stopped' ? { clean: seen.shutdownLsn !== undefined } : {}),
  }
}

function named(members: ReadonlyMap<string, HistoryMember>, name: string | undefined): HistoryMember {
  const found = members.get(name ?? '')
  if (found === undefined) throw new Error(`the script names no member ${name}`)
  return found
}
