import type { Json } from '../domain/canonical-json.ts'
import type { Look, ActionArgs } from '../engine/action.ts'
import { badArgument, isRecord, textArg, type AgentContext } from './agent-context.ts'
import { recoveryOf } from './recovery-args.ts'

/** The plan holds the rule, this binds it: which snapshot, and where the archive ends now. The journal keeps what was chosen. */
export const recoveryChoose: Look<AgentContext> = {
  name: 'recovery.choose',
  version: 1,
  async observe(context, args) {
    const fields = args['wanted']
    if (!isRecord(fields)) throw badArgument('wanted', 'a target and a snapshot')
    const wanted = fields as ActionArgs
    const rule = { target: textArg(wanted, 'target'), snapshot: textArg(wanted, 'snapshot') }
    const chosen = await recoveryOf(context, args).choose(rule)
    const goal: Json = { ...chosen }
    return {
      satisfied: true,
      proof: goal,
      output: { goal, snapshot: chosen.snapshot, reached: chosen.reached },
    }
  },
}
