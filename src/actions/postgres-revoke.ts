import { RecoveryError } from '../domain/recovery-error.ts'
import type { Effect } from '../engine/action.ts'
import { booleanArg, textArg, type AgentContext } from './agent-context.ts'

/**
 * The member can confirm nothing any more, whatever lies in its directory: no process of it remains and its agent starts none. Looked at
 * again here, because a plan was made from a reading: one whose data was taken for gone and is there is not given up by anybody.
 */
export const postgresRevoke: Effect<AgentContext> = {
  name: 'postgres.revoke',
  version: 1,
  async observe(context, args) {
    const name = textArg(args, 'member')
    const { role, systemIdentifier } = await context.member(textArg(args, 'component'), name).observe()
    const holdsData = systemIdentifier !== undefined
    if (holdsData && !booleanArg(args, 'mayHoldData')) throw stillThere(textArg(args, 'label'))
    const intent = context.intentOf(name)
    if (role !== 'stopped' || intent !== 'fenced') return { satisfied: false, seen: { role, intent } }
    return { satisfied: true, proof: { role, intent, holdsData }, output: { holdsData } }
  },
  async apply(context, args, authority) {
    const name = textArg(args, 'member')
    await context.intend(name, 'fenced', authority.epoch)
    await context.member(textArg(args, 'component'), name).stopImmediate()
  },
}

function stillThere(label: string): RecoveryError {
  return new RecoveryError({
    code: 'DATA_NOT_LOST',
    class: 'refused',
    message: `${label} has a data directory after all, and nobody gave it up`,
    hint: `see \`pointzero status\`; if its data are lost all the same, say so: \`--param lost=${label}\``,
  })
}
