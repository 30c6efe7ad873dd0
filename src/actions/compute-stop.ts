import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Stops the application's instance on this host; done when no process of it remains. */
export const computeStop: Effect<AgentContext> = {
  name: 'compute.stop',
  version: 1,
  async observe(context, args) {
    const seen = await context.instance(textArg(args, 'component')).observe()
    if (seen.running) return { satisfied: false, seen: { running: true } }
    return { satisfied: true, proof: { running: false }, output: {} }
  },
  async apply(context, args) {
    await context.instance(textArg(args, 'component')).stop()
  },
}
