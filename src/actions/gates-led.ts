import type { LeaderRecord } from '../domain/leader-record.ts'
import type { Look } from '../engine/action.ts'
import { clusters, componentNamed } from '../estate/estate-lookup.ts'
import { gateTarget } from '../estate/gate-target.ts'
import { textArg, textsArg } from './agent-context.ts'
import type { ControlContext } from './control-context.ts'
import { readLeader } from './leader-store.ts'

/** Waits until the gate leads, on each of the hosts, to where the leader record says now: nobody is let in to anything else. */
export const gatesLed: Look<ControlContext> = {
  name: 'gates.led',
  version: 1,
  async observe(context, args) {
    const gate = componentNamed(context.estate, textArg(args, 'component'))
    if (gate.kind !== 'gate') return { satisfied: false, seen: { kind: gate.kind } }
    const leaders = new Map<string, LeaderRecord['member']>()
    for (const { id } of clusters(context.estate)) {
      const { record } = await readLeader(context.store, context.estate.id, id)
      if (record !== undefined) leaders.set(id, record.member)
    }
    const target = gateTarget(context.estate, gate, (cluster) => leaders.get(cluster))
    if (target === undefined) return { satisfied: true, proof: { follows: 'nobody' }, output: {} }
    const views = await Promise.all(
      textsArg(args, 'hosts').map(async (host) => ({ host, view: await context.observeHost(host) })),
    )
    const leads = views.map(({ host, view }) => ({
      host,
      target: view.gates.find(({ component }) => component === gate.id)?.target ?? 'not seen',
    }))
    if (leads.some((one) => one.target !== target))
      return { satisfied: false, seen: { wanted: target, leads } }
    return { satisfied: true, proof: { target, leads }, output: {} }
  },
}
