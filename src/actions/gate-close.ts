import type { Effect } from '../engine/action.ts'
import { numberArg, textArg, type AgentContext } from './agent-context.ts'

const pollMs = 50

/**
 * Shuts the gate's door: nobody new gets in, who is inside may finish within `drainMs` and is then ended. Where the gate leads does not change, and
 * may change meanwhile.
 */
export const gateClose: Effect<AgentContext> = {
  name: 'gate.close',
  version: 1,
  part: 'door',
  async observe(context, args) {
    const gate = context.gate(textArg(args, 'component'))
    const { shut = false } = await gate.observe()
    const sessions = await gate.sessions()
    if (!shut || sessions > 0) return { satisfied: false, seen: { shut, sessions } }
    return { satisfied: true, proof: { shut, sessions }, output: {} }
  },
  async apply(context, args, authority) {
    const component = textArg(args, 'component')
    const drainMs = numberArg(args, 'drainMs')
    const own = args['admitsOwnHost'] === true ? ({ admitsOwnHost: true } as const) : {}
    const door = { shut: true, message: textArg(args, 'message'), ...own }
    await context.setDoor(component, door, authority.epoch)
    const gate = context.gate(component)
    const { clock } = context.world
    const shutMs = clock.monotonicMs()
    while ((await gate.sessions()) > 0 && clock.monotonicMs() - shutMs < drainMs) await clock.sleep(pollMs)
    await gate.endSessions()
  },
}
