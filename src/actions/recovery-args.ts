import { parseLsn } from '../domain/lsn.ts'
import type { ActionArgs } from '../engine/action.ts'
import type { OwnedInvariant, RecoveryGoal } from '../ports/database-recovery.ts'
import { badArgument, isRecord, numberArg, textArg, type AgentContext } from './agent-context.ts'

/** Where the plan wants the database to be. */
export function goalArg(args: ActionArgs): RecoveryGoal {
  const value = args['goal']
  if (!isRecord(value)) throw badArgument('goal', 'a recovery goal')
  const fields = value as ActionArgs
  const inclusive = fields['inclusive']
  if (typeof inclusive !== 'boolean') throw badArgument('goal', 'a recovery goal')
  return {
    snapshot: textArg(fields, 'snapshot'),
    timeline: numberArg(fields, 'timeline'),
    lsn: parseLsn(textArg(fields, 'lsn')),
    inclusive,
    reached: parseLsn(textArg(fields, 'reached')),
  }
}

export function invariantsArg(args: ActionArgs): readonly OwnedInvariant[] {
  const value = args['invariants']
  if (!Array.isArray(value)) throw badArgument('invariants', 'a list of queries')
  return value.map((one) => {
    if (!isRecord(one)) throw badArgument('invariants', 'a list of queries')
    const fields = one as ActionArgs
    return {
      name: textArg(fields, 'name'),
      query: textArg(fields, 'query'),
      equals: textArg(fields, 'equals'),
    }
  })
}

/** The copy is a target of its own: what is done to it does not wait for what is done to the member, and the other way round. */
export function recoveryOf(context: AgentContext, args: ActionArgs) {
  return context.recovery(textArg(args, 'component'), textArg(args, 'copyOf'))
}
