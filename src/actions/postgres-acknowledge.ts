import type { Look } from '../engine/action.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { numberArg, textArg, type AgentContext } from './agent-context.ts'

/**
 * Proves that the primary confirms under its synchronous rule: a canary row was committed and a named standby acknowledged it. Its
 * LSN lies after the end of recovery, so everything clients could read before has a second copy too (restart hole).
 */
export const postgresAcknowledge: Look<AgentContext> = {
  name: 'postgres.acknowledge',
  version: 1,
  observeWrites: true,
  async observe(context, args) {
    const member = context.member(textArg(args, 'component'), textArg(args, 'member'))
    const seen = await member.observe()
    // A primary that ended is never started again behind a run's back: waiting for it would keep everybody else from acting.
    if (seen.role === 'stopped') throw ended(member.name)
    if (seen.role !== 'primary') return { satisfied: false, seen: { role: seen.role } }
    const receipt = await member.writeCanary(context.world.clock.now(), numberArg(args, 'timeoutMs'))
    return {
      satisfied: true,
      proof: { counter: receipt.counter, timeline: seen.timeline ?? 0 },
      output: { counter: receipt.counter },
    }
  },
}

function ended(member: string): RecoveryError {
  return new RecoveryError({
    code: 'PRIMARY_ENDED',
    class: 'permanent',
    message: `the server of ${member} ended before a commit was acknowledged`,
    hint: 'see why in its log; `pointzero status` shows what is done about it',
  })
}
