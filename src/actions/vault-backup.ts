import type { Effect } from '../engine/action.ts'
import type { KeptSnapshot } from '../ports/kept-copies.ts'
import { textArg, type AgentContext } from './agent-context.ts'

/**
 * A base backup of the primary of this moment. It is there when its signed manifest is, which is written last; what broke off before is
 * nothing. A snapshot that somebody else made since this run began is as good.
 */
export const vaultBackup: Effect<AgentContext> = {
  name: 'vault.backup',
  version: 1,
  async observe(context, args, { run }) {
    const component = textArg(args, 'component')
    const begun = await context.backups.begun(run)
    if (begun === undefined) return { satisfied: false, seen: { begun: false } }
    const made = await newestAfter(context, component, begun)
    if (made === undefined) return { satisfied: false, seen: { begun: true, newestBefore: begun } }
    const { id, sequence, timeline, startLsn, endLsn } = made
    return {
      satisfied: true,
      proof: { snapshot: id, sequence, timeline, startLsn, endLsn },
      output: { snapshot: id },
    }
  },
  async apply(context, args, { run }) {
    const copies = context.copies(textArg(args, 'component'))
    const begun = await context.backups.begun(run)
    if (begun === undefined) {
      const newest = (await copies.snapshots()).at(-1)
      await context.backups.begin(run, newest?.sequence ?? 0)
    }
    await copies.backUp()
  },
}

async function newestAfter(
  context: AgentContext,
  component: string,
  sequence: number,
): Promise<KeptSnapshot | undefined> {
  const snapshots = await context.copies(component).snapshots()
  return snapshots.findLast((one) => one.sequence > sequence)
}
