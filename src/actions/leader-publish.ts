import type { Effect } from '../engine/action.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { numberArg, textArg, textsArg } from './agent-context.ts'
import type { ControlContext } from './control-context.ts'
import { readLeader, writeLeader } from './leader-store.ts'

/** Publishes the names that may acknowledge, before the primary loads them: the set in the store covers every set in effect. */
export const leaderPublish: Effect<ControlContext> = {
  name: 'leader.publish',
  version: 1,
  async observe(context, args) {
    const { record } = await readLeader(context.store, context.estate.id, textArg(args, 'component'))
    const wanted = [...textsArg(args, 'publishedSync')].sort()
    const same =
      record !== undefined &&
      record.member === textArg(args, 'member') &&
      record.publishedCount === numberArg(args, 'publishedCount') &&
      sameNames(record.publishedSync, wanted)
    if (!same)
      return {
        satisfied: false,
        seen: { member: record?.member ?? '', publishedSync: record?.publishedSync ?? [] },
      }
    return { satisfied: true, proof: { publishedSync: wanted, epoch: record.epoch }, output: {} }
  },
  async apply(context, args, authority) {
    const component = textArg(args, 'component')
    const expected = await readLeader(context.store, context.estate.id, component)
    if (expected.record === undefined || expected.record.member !== textArg(args, 'member'))
      throw notLeader(textArg(args, 'member'))
    const { singleCopy, ...kept } = expected.record
    const publishedCount = numberArg(args, 'publishedCount')
    const record = {
      ...kept,
      publishedSync: [...textsArg(args, 'publishedSync')].sort(),
      publishedCount,
      ...(singleCopy !== undefined && publishedCount === 0 ? { singleCopy } : {}),
    }
    const { scope, epoch } = authority
    await writeLeader(context.store, { estate: context.estate.id, component, scope, epoch, expected, record })
  },
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index])
}

function notLeader(member: string): RecoveryError {
  return new RecoveryError({
    code: 'LEADER_NOT_AS_PLANNED',
    class: 'refused',
    message: `${member} does not lead any more`,
    hint: 'make a new plan from fresh facts',
  })
}
