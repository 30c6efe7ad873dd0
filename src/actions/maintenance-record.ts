import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import type { ComponentId, RunId } from '../domain/id.ts'
import type { MaintenanceRecord } from '../domain/maintenance-record.ts'
import { assert, RecoveryError } from '../domain/recovery-error.ts'
import type { Effect, ActionArgs } from '../engine/action.ts'
import { requireEpoch } from '../engine/epoch.ts'
import type { RunRecord } from '../engine/run-event.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { badArgument, textArg, textsArg } from './agent-context.ts'
import type { ControlContext } from './control-context.ts'
import { readMaintenance } from './maintenance-store.ts'
import type { MaintenanceEntry } from './maintenance-store.ts'

/**
 * Writes whether it is maintenance, by whom, since when and with which gates. From then on every agent is told so with each heartbeat, those
 * among them that did not answer the run.
 */
export const maintenanceRecord: Effect<ControlContext> = {
  name: 'maintenance.record',
  version: 1,
  async observe({ store, estate }, args, { run }) {
    const { record } = await readMaintenance(store, estate.id)
    const found = { on: record?.on ?? false, run: record?.run ?? '', epoch: record?.epoch ?? 0 }
    if (record === undefined || found.run !== run || found.on !== onArg(args))
      return { satisfied: false, seen: found }
    return { satisfied: true, proof: found, output: {} }
  },
  async apply({ store, estate, world }, args, authority) {
    const keys = storeKeys(estate.id)
    const expected = await readMaintenance(store, estate.id)
    const held = await requireEpoch(store, keys, authority.scope, authority.epoch)
    const record: MaintenanceRecord = {
      format: formats.maintenance,
      on: onArg(args),
      epoch: authority.epoch,
      gates: textsArg(args, 'gates') as readonly ComponentId[],
      message: textArg(args, 'message'),
      sinceMs: sinceMs(args, expected) ?? world.clock.now(),
      run: authority.run as RunId,
      ...(await opening(
        { store, estate },
        typeof args['restores'] === 'string' ? args['restores'] : authority.run,
      )),
    }
    const result = await store.transact({
      compare: [{ key: keys.maintenance, revision: expected.revision }, held],
      put: [{ key: keys.maintenance, value: canonicalJson(record as unknown as Json) }],
    })
    if (!result.succeeded) throw changed()
  },
}

function onArg(args: ActionArgs): boolean {
  const { on } = args
  if (typeof on === 'boolean') return on
  throw badArgument('on', 'true or false')
}

/** Undoing an end of maintenance puts back when it began and who began it; switching on what is on leaves its beginning. */
function sinceMs(args: ActionArgs, { record }: MaintenanceEntry): number | undefined {
  const known = args['sinceMs']
  if (typeof known === 'number') return known
  return record?.on === true && onArg(args) ? record.sinceMs : undefined
}

async function opening(
  { store, estate }: Pick<ControlContext, 'store' | 'estate'>,
  run: string,
): Promise<Pick<MaintenanceRecord, 'requestedBy' | 'approvedBy'>> {
  const first = await store.get(storeKeys(estate.id).runRecord(run, 0))
  const event = first === undefined ? undefined : (JSON.parse(first.value) as RunRecord).event
  assert(event?.type === 'opened', 'a run begins with its opening')
  return { requestedBy: event.requestedBy, approvedBy: event.approvals.map(({ approver }) => approver) }
}

function changed(): RecoveryError {
  return new RecoveryError({
    code: 'MAINTENANCE_CHANGED',
    class: 'transient',
    message: 'the maintenance record or the epoch changed while it was being written',
    hint: 'it is read again before the next attempt',
  })
}
