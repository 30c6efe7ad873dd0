import type { Json } from '../domain/canonical-json.ts'
import { parseLsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Effect, ActionArgs } from '../engine/action.ts'
import type { RestoredSnapshot } from '../ports/kept-copies.ts'
import { badArgument, isRecord, numberArg, textArg, type AgentContext } from './agent-context.ts'

/** The vault's host signs that a snapshot was restored, replayed and checked. Its receipt names the run, so it is written once for each. */
export const vaultReceipt: Effect<AgentContext> = {
  name: 'vault.receipt',
  version: 1,
  async observe(context, args, { run }) {
    const snapshot = textArg(args, 'snapshot')
    const snapshots = await context.copies(textArg(args, 'component')).snapshots()
    const kept = snapshots.find(({ id }) => id === snapshot)
    if (kept === undefined) throw gone(snapshot)
    const signed = kept.restorations.find((one) => one.run === run)
    if (signed === undefined) return { satisfied: false, seen: { snapshot, receipt: false } }
    const { atMs, timeline, lsn } = signed
    return { satisfied: true, proof: { snapshot, run, atMs, timeline, lsn }, output: {} }
  },
  async apply(context, args, { run }) {
    await context.copies(textArg(args, 'component')).confirmRestored(restoredArg(args, run))
  },
}

function restoredArg(args: ActionArgs, run: string): RestoredSnapshot {
  const network = args['network']
  if (!isRecord(network)) throw badArgument('network', 'what a check saw of it')
  return {
    snapshot: textArg(args, 'snapshot'),
    manifest: textArg(args, 'manifest'),
    run,
    member: textArg(args, 'member'),
    timeline: numberArg(args, 'timeline'),
    lsn: parseLsn(textArg(args, 'lsn')),
    files: numberArg(args, 'files'),
    bytes: numberArg(args, 'bytes'),
    walSegments: numberArg(args, 'walSegments'),
    relations: numberArg(args, 'relations'),
    pages: numberArg(args, 'pages'),
    indexesCompared: numberArg(args, 'indexesCompared'),
    invariants: lengthOf(args['invariants']),
    unchecked: lengthOf(args['unchecked']),
    contained: network['contained'] === true,
  }
}

function lengthOf(listed: Json | undefined): number {
  if (Array.isArray(listed)) return listed.length
  throw badArgument('invariants or unchecked', 'a list')
}

function gone(snapshot: string): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_SNAPSHOT_UNKNOWN',
    class: 'permanent',
    message: `there is no snapshot ${snapshot} any more`,
    hint: 'see what there is: `pointzero vault list`',
  })
}
