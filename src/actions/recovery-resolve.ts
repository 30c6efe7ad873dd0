import type { Look } from '../engine/action.ts'
import type { AgentContext } from './agent-context.ts'
import { goalArg, recoveryOf } from './recovery-args.ts'

/** Vault and archive still lead to the goal of the plan. How many commits lie behind it now is in the proof. */
export const recoveryResolve: Look<AgentContext> = {
  name: 'recovery.resolve',
  version: 1,
  async observe(context, args) {
    const proof = await recoveryOf(context, args).resolve(goalArg(args))
    return { satisfied: true, proof, output: proof }
  },
}
