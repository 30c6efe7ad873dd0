import { switchesMax } from '../domain/leader-record.ts'
import type { HeldPosition, LeaderRecord, SingleCopy } from '../domain/leader-record.ts'
import { parseLsn } from '../domain/lsn.ts'
import type { MemberId } from '../domain/id.ts'
import { assert, RecoveryError } from '../domain/recovery-error.ts'
import type { Effect, ActionArgs, Authority } from '../engine/action.ts'
import type { RunRecord } from '../engine/run-event.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { isRecord, numberArg, textArg, textsArg } from './agent-context.ts'
import type { ControlContext } from './control-context.ts'
import { readLeader, writeLeader } from './leader-store.ts'

/**
 * Compare-and-swap of (epoch, leader): after it exactly this member may be promoted, and the set that may acknowledge is published
 * before the member can apply it.
 */
export const leaderClaim: Effect<ControlContext> = {
  name: 'leader.claim',
  version: 1,
  async observe(context, args) {
    const { record } = await readLeader(context.store, context.estate.id, textArg(args, 'component'))
    if (record === undefined || record.member !== textArg(args, 'member')) {
      return { satisfied: false, seen: { member: record?.member ?? '' } }
    }
    if (args['renew'] === true && !holdsAsPlanned(args, record)) {
      return { satisfied: false, seen: { member: record.member, holds: record.holds?.lsn ?? '' } }
    }
    const proof = { member: record.member, epoch: record.epoch, publishedSync: record.publishedSync }
    return { satisfied: true, proof, output: { epoch: record.epoch } }
  },
  async apply(context, args, authority) {
    const component = textArg(args, 'component')
    const expected = await readLeader(context.store, context.estate.id, component)
    const member = textArg(args, 'member') as MemberId
    requirePredecessor(expected.record, textArg(args, 'from'), member)
    const switches = expected.record?.switchesMs ?? []
    // A claim that is repeated after its reply was lost is the same switch, not one more.
    const isSwitch = args['unplanned'] === true && expected.record?.member !== member
    const record: LeaderRecord = {
      member,
      epoch: authority.epoch,
      systemIdentifier: expected.record?.systemIdentifier ?? identityArg(args),
      publishedSync: [...textsArg(args, 'publishedSync')].sort(),
      publishedCount: numberArg(args, 'publishedCount'),
      ...heldArg(args, expected.record),
      ...(await singleCopy(context, args, authority, expected.record)),
      switchesMs: isSwitch ? [...switches, context.world.clock.now()].slice(-switchesMax) : switches,
    }
    const { scope, epoch } = authority
    await writeLeader(context.store, { estate: context.estate.id, component, scope, epoch, expected, record })
  },
}

/** The same member leads on with other data: whoever holds what it held before has less than it holds now, and is no candidate. */
function holdsAsPlanned(args: ActionArgs, record: LeaderRecord): boolean {
  const { holds } = heldArg(args, record)
  return holds?.timeline === record.holds?.timeline && holds?.lsn === record.holds?.lsn
}

/** Kept while nothing but the leader's place changes: only somebody that a commit waits for ends it. */
async function singleCopy(
  { store, estate, world }: ControlContext,
  args: ActionArgs,
  { run }: Authority,
  before: LeaderRecord | undefined,
): Promise<{ readonly singleCopy?: SingleCopy }> {
  if (numberArg(args, 'publishedCount') > 0) return {}
  if (before?.singleCopy !== undefined) return { singleCopy: before.singleCopy }
  if (args['singleCopy'] !== true) return {}
  const first = await store.get(storeKeys(estate.id).runRecord(run, 0))
  const event = first === undefined ? undefined : (JSON.parse(first.value) as RunRecord).event
  assert(event?.type === 'opened', 'a run begins with its opening')
  const approvers = event.approvals.map(({ approver }) => approver)
  const acceptedBy = approvers.length > 0 ? approvers : [event.requestedBy]
  return { singleCopy: { acceptedBy, atMs: world.clock.now() } }
}

function heldArg(args: ActionArgs, before: LeaderRecord | undefined): { readonly holds?: HeldPosition } {
  const found = args['holds']
  if (!isRecord(found)) return before?.holds === undefined ? {} : { holds: before.holds }
  const fields = found as ActionArgs
  return { holds: { timeline: numberArg(fields, 'timeline'), lsn: parseLsn(textArg(fields, 'lsn')) } }
}

/** What everything that ever joins is compared with. */
function identityArg(args: ActionArgs): string {
  const identity = textArg(args, 'systemIdentifier')
  if (identity !== '') return identity
  throw new RecoveryError({
    code: 'SYSTEM_IDENTIFIER_MISSING',
    class: 'permanent',
    message: 'the member that is to lead did not say which database system it holds',
    hint: 'look at its agent with `pointzero status`, then plan again',
  })
}

/** The plan was made for one predecessor; a leader that is neither it nor the new one means that the facts changed. */
function requirePredecessor(record: LeaderRecord | undefined, from: string, to: string): void {
  const current = record?.member ?? ''
  if (current === from || current === to) return
  throw new RecoveryError({
    code: 'LEADER_NOT_AS_PLANNED',
    class: 'refused',
    message: `the plan replaces ${from === '' ? 'no leader' : from}, but ${current} leads now`,
    hint: 'make a new plan with `pointzero plan zone-failover` and approve that one',
  })
}
