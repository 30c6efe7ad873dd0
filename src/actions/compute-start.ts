import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Starts the application's instance on this host; done when the instance itself says that it rebuilt its state. */
export const computeStart: Effect<AgentContext> = {
  name: 'compute.start',
  version: 1,
  async observe(context, args) {
    const seen = await context.instance(textArg(args, 'component')).observe()
    if (!seen.ready) return { satisfied: false, seen: { running: seen.running, ready: false } }
    return { satisfied: true, proof: { ready: true }, output: {} }
  },
  async apply(context, args) {
    await context.instance(textArg(args, 'component')).start()
  },
}
