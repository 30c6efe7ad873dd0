import { RecoveryError } from '../domain/recovery-error.ts'
import type { OpenRunRequest } from '../server/run-desk.ts'
import type { CommandContext, CommonOptions } from './command-context.ts'
import { connect } from './connection.ts'
import type { Connection } from './connection.ts'
import { execute } from './execute.ts'
import { makePlan } from './make-plan.ts'
import type { HashedPlan, PlanOrder } from './make-plan.ts'
import { resolvedOrder } from './resolved-order.ts'
import { proposedPlan, proposePlan } from './proposed-plan.ts'
import { statusForPlan } from './status-for-plan.ts'

type RunOrder = Omit<PlanOrder, 'mode'> & CommonOptions & { readonly approve?: string }

/**
 * What was approved is what runs. The plan is made from the facts of now; the control plane makes it once more from its own, and opens
 * the run only for exactly this hash.
 */
export async function openAndExecute(context: CommandContext, order: RunOrder): Promise<void> {
  const connection = await connect(context.terminal, order)
  const resolved = await resolvedOrder(context.terminal, connection, order)
  const { facts, sandbox } = await statusForPlan(connection)
  const made = makePlan({ ...resolved, mode: sandbox ? 'drill' : 'real' }, connection.estate, facts)
  await proposePlan(connection, made)
  if (order.approve !== undefined && order.approve !== made.hash)
    throw await changed(connection, made, order.approve)
  const request: OpenRunRequest = {
    estate: connection.estate.id,
    procedure: made.plan.procedure,
    parameters: made.plan.parameters,
    mode: made.plan.mode,
    planHash: made.hash,
  }
  const { run } = await connection.openRun(request)
  await execute(context, connection, { run, plan: made.plan, from: 0 }, order)
}

async function changed(connection: Connection, made: HashedPlan, approved: string): Promise<RecoveryError> {
  const before = await proposedPlan(connection, approved)
  const names = ['procedure', 'productVersion', 'estateDigest', 'factsDigest', 'scope', 'mode'] as const
  const differing = names.filter((name) => before[name] !== made.plan[name])
  const what = differing.length === 0 ? 'its parameters or steps' : differing.join(', ')
  return new RecoveryError({
    code: 'PLAN_CHANGED',
    class: 'refused',
    message: `the plan of now is ${made.hash}, not ${approved}: ${what} changed since, and the approval lapsed`,
    hint: `see what differs with \`pointzero plan ${[made.plan.procedure, ...parametersOf(made)].join(' ')} --diff ${approved}\`, then \`pointzero approve ${made.hash}\``,
  })
}

/** As they would be written on a command line again. */
function parametersOf({ plan }: HashedPlan): readonly string[] {
  return Object.entries(plan.parameters).map(([name, value]) => `--param ${name}=${value}`)
}
