import type { Effect } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { recoveryOf } from './recovery-args.ts'

/** Undoes a restore: ends the isolated server and removes what this run restored, and nothing else. */
export const postgresDiscard: Effect<AgentContext> = {
  name: 'postgres.discard',
  version: 1,
  async observe(context, args, { run }) {
    const isThere = await recoveryOf(context, args).exists(run)
    if (isThere) return { satisfied: false, seen: { copy: true } }
    return { satisfied: true, proof: { copy: false }, output: {} }
  },
  async apply(context, args, { run }) {
    await recoveryOf(context, args).discard(run)
  },
}
