import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Look } from '../engine/action.ts'
import { clusterNamed } from '../estate/estate-lookup.ts'
import { badArgument, isRecord, textArg } from './agent-context.ts'
import type { ControlContext } from './control-context.ts'
import { productionChange, readProduction } from './production-reading.ts'
import type { ProductionReading } from './production-reading.ts'

const nothingSeen = { satisfied: false, seen: 'the leader or the copies show nothing yet' } as const

/** What production looks like before a drill: read, not believed from a plan. */
export const productionNote: Look<ControlContext> = {
  name: 'production.note',
  version: 1,
  async observe(context, args) {
    const reading = await readProduction(context, clusterNamed(context.estate, textArg(args, 'component')))
    if (reading === undefined) return nothingSeen
    const production = reading as unknown as Json
    return { satisfied: true, proof: production, output: { production } }
  },
}

/** Law 2, looked at afterwards: what was noted is as it was, or another run says why not. */
export const productionUntouched: Look<ControlContext> = {
  name: 'production.untouched',
  version: 1,
  async observe(context, args) {
    const before = args['before']
    if (!isRecord(before)) throw badArgument('before', 'a reading of production')
    const reading = await readProduction(context, clusterNamed(context.estate, textArg(args, 'component')))
    if (reading === undefined) return nothingSeen
    const { touched, notCompared } = productionChange(before as unknown as ProductionReading, reading)
    if (touched.length > 0) throw isTouched(touched)
    const proof = { production: reading as unknown as Json, notCompared: [...notCompared] }
    return { satisfied: true, proof, output: { notCompared: [...notCompared] } }
  },
}

function isTouched(touched: readonly string[]): RecoveryError {
  return new RecoveryError({
    code: 'PRODUCTION_TOUCHED',
    class: 'permanent',
    message: `production is not what it was before this run, and no other run acted on it: ${touched.slice(0, 5).join('; ')}`,
    hint: 'find out who changed it; until then do not run this procedure again: `pointzero show <run>`',
    context: { touched: touched.length },
  })
}
