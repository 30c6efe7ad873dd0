import type { Effect } from '../engine/action.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/** Opens the gate's door: clients get to wherever it leads by now. */
export const gateOpen: Effect<AgentContext> = {
  name: 'gate.open',
  version: 1,
  part: 'door',
  async observe(context, args) {
    const { shut = false } = await context.gate(textArg(args, 'component')).observe()
    return shut ? { satisfied: false, seen: { shut } } : { satisfied: true, proof: { shut }, output: {} }
  },
  async apply(context, args, authority) {
    await context.setDoor(textArg(args, 'component'), { shut: false, message: '' }, authority.epoch)
  },
}
