import { RecoveryError } from '../domain/recovery-error.ts'
import type { Effect } from '../engine/action.ts'
import { textArg, upstreamArg, type AgentContext } from './agent-context.ts'

/** Points a standby at its primary; satisfied at once on the member that is that primary itself. */
export const postgresFollow: Effect<AgentContext> = {
  name: 'postgres.follow',
  version: 1,
  async observe(context, args) {
    const upstream = upstreamArg(args, 'upstream')
    if (upstream.member === textArg(args, 'member')) {
      return { satisfied: true, proof: { upstream: 'itself' }, output: {} }
    }
    const seen = await context.member(textArg(args, 'component'), textArg(args, 'member')).observe()
    const wanted = `${upstream.address}:${upstream.port}`
    if (seen.role !== 'standby' || seen.upstream !== wanted || seen.streaming !== true) {
      return {
        satisfied: false,
        seen: { role: seen.role, upstream: seen.upstream, streaming: seen.streaming },
      }
    }
    return {
      satisfied: true,
      proof: { upstream: wanted, streaming: true, timeline: seen.timeline ?? 0 },
      output: {},
    }
  },
  async apply(context, args, authority) {
    const name = textArg(args, 'member')
    const member = context.member(textArg(args, 'component'), name)
    // One that is stopped may be a former primary: nothing compares its WAL with the upstream's but a rejoin.
    const { role } = await member.observe()
    if (role !== 'standby') throw notRunning(member.name, role)
    await context.intend(name, 'standby', authority.epoch)
    await member.follow(upstreamArg(args, 'upstream'))
  },
}

function notRunning(member: string, role: string): RecoveryError {
  return new RecoveryError({
    code: 'MEMBER_NOT_A_STANDBY',
    class: 'transient',
    message: `${member} is ${role}: only a running standby can be pointed at another primary`,
    hint: `bring it back with \`pointzero run reprotect --param member=${member}\``,
  })
}
