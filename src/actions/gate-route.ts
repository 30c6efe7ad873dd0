import type { Effect, ActionArgs } from '../engine/action.ts'
import type { Endpoint } from '../ports/network.ts'
import type { GateRoute } from '../ports/traffic-gate.ts'
import { badArgument, isRecord, numberArg, textArg, type AgentContext } from './agent-context.ts'

/** Leads clients to the target, or nowhere when the target is null (a target that is missing is a mistake). Sessions to anywhere else are closed. */
export const gateRoute: Effect<AgentContext> = {
  name: 'gate.route',
  version: 1,
  async observe(context, args) {
    const seen = await context.gate(textArg(args, 'component')).observe()
    const found = { target: targetText(seen), epoch: seen.epoch }
    if (found.target !== targetText({ ...targetOf(args), epoch: 0 })) return { satisfied: false, seen: found }
    return { satisfied: true, proof: found, output: {} }
  },
  async apply(context, args, authority) {
    await context.gate(textArg(args, 'component')).route({ ...targetOf(args), epoch: authority.epoch })
  },
}

function targetOf(args: ActionArgs): { readonly target?: Endpoint } {
  const target = args['target']
  if (target === null) return {}
  if (!isRecord(target)) throw badArgument('target', 'an address and a port, or null')
  const fields = target as ActionArgs
  return { target: { address: textArg(fields, 'address'), port: numberArg(fields, 'port') } }
}

export function targetText(route: GateRoute): string {
  return route.target === undefined ? '' : `${route.target.address}:${route.target.port}`
}
