import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** The copy takes the place of the member's directory, which is kept under another name. The member is a target: nothing else happens to it meanwhile. */
export const postgresInstall: Effect<AgentContext> = {
  name: 'postgres.install',
  version: 1,
  async observe(context, args, { run }) {
    const recovery = context.recovery(textArg(args, 'component'), textArg(args, 'member'))
    const report = await recovery.report(run, 'installed')
    if (report === undefined) return { satisfied: false, seen: { installed: false } }
    return { satisfied: true, proof: report, output: report }
  },
  async apply(context, args, { run, epoch }) {
    const member = textArg(args, 'member')
    // Whatever it was meant to be: nothing of it is started while directories move.
    await context.intend(member, 'none', epoch)
    await context.member(textArg(args, 'component'), member).stopImmediate()
    await context.recovery(textArg(args, 'component'), member).install(run)
  },
}
