import type { Look } from '../engine/action.ts'
import { booleanArg, textArg, type AgentContext } from './agent-context.ts'

/**
 * How far the archive reaches when there is nothing left to receive from, and what that means for what was confirmed last. A number is said only
 * where it is known: without a capture that every commit waited for, nobody can count what never arrived.
 */
export const captureEnd: Look<AgentContext> = {
  name: 'capture.end',
  version: 1,
  async observe(context, args) {
    const { capture } = context.copies(textArg(args, 'component')).view()
    const nowMs = context.world.clock.now()
    const proof = {
      protection: capture?.protection.kind ?? 'unknown',
      timeline: capture?.timeline ?? null,
      durableLsn: capture?.durableLsn ?? null,
      // Everything that the primary had at this wall instant of the archive's host is held.
      heldUntilMs: typeof capture?.exposedMs === 'number' ? nowMs - capture.exposedMs : null,
      confirmedCommitsLost: booleanArg(args, 'holdsAll') ? 0 : 'unknown',
    }
    return { satisfied: true, proof, output: proof }
  },
}
