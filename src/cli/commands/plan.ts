import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import type { Connection } from '../connection.ts'
import type { HashedPlan } from '../make-plan.ts'
import { collected } from '../parameters-option.ts'
import { paintFor } from '../render/paint.ts'
import { usageError } from '../usage-error.ts'

interface PlanOptions extends CommonOptions {
  readonly facts?: string
  readonly scenario?: string
  readonly param?: readonly string[]
  readonly drill?: true
  readonly diff?: string
}

export function planCommand(context: CommandContext): Command {
  return connectedCommand(
    'plan',
    'compile a procedure into the plan that would run now, and hash it; changes nothing',
  )
    .argument('<procedure>', 'zone-failover, switchover …')
    .option('--param <name=value>', 'a parameter of the procedure; may be repeated', collected)
    .option('--scenario <scenario>', 'refuse a procedure that is not for this scenario')
    .option('--facts <file>', 'plan offline from facts that `pointzero facts` recorded')
    .option('--drill', 'plan a drill; one that runs needs the control plane of a sandbox')
    .option('--diff <hash>', 'print what differs between the plan with that hash and the plan of now')
    .action(async (procedure: string, options: PlanOptions) => plan(context, procedure, options))
}

async function plan({ terminal }: CommandContext, procedure: string, options: PlanOptions): Promise<void> {
  const { makePlan, readFacts } = await import('../make-plan.ts')
  const order = { ...options, procedure }
  if (options.facts !== undefined) {
    if (options.diff !== undefined)
      throw usageError('--diff compares with a plan that the control plane holds', 'leave --facts out')
    const { loadEstate } = await import('../load-estate.ts')
    const facts = await readFacts(options.facts)
    const mode = options.drill === true ? 'drill' : 'real'
    const made = makePlan({ ...order, mode }, await loadEstate(options.estate ?? 'estate.yaml'), facts)
    await print(terminal, made, options)
    return
  }
  const [{ connect }, { proposePlan }, { requireSandbox }, { resolvedOrder }, { statusForPlan }] =
    await Promise.all([
      import('../connection.ts'),
      import('../proposed-plan.ts'),
      import('../drillable.ts'),
      import('../resolved-order.ts'),
      import('../status-for-plan.ts'),
    ])
  const connection = await connect(terminal, options)
  if (options.drill === true) requireSandbox((await connection.status()).sandbox)
  const resolved = await resolvedOrder(terminal, connection, order)
  const { facts, sandbox } = await statusForPlan(connection)
  const made = makePlan({ ...resolved, mode: sandbox ? 'drill' : 'real' }, connection.estate, facts)
  await proposePlan(connection, made)
  if (options.diff === undefined) await print(terminal, made, options, connection)
  else await printDifferences(terminal, made, { ...options, diff: options.diff }, connection)
}

async function printDifferences(
  terminal: CommandContext['terminal'],
  made: HashedPlan,
  { diff, json }: PlanOptions & { readonly diff: string },
  connection: Connection,
): Promise<void> {
  const [{ proposedPlan }, { planDifferences }, { planDifferenceText }] = await Promise.all([
    import('../proposed-plan.ts'),
    import('../plan-differences.ts'),
    import('../render/plan-difference-text.ts'),
  ])
  const differences = planDifferences(await proposedPlan(connection, diff), made.plan)
  if (json === true)
    terminal.write(`${JSON.stringify({ hash: made.hash, comparedWith: diff, differences })}\n`)
  else {
    terminal.write(planDifferenceText(differences, diff, paintFor(terminal)))
    if (differences.length > 0) terminal.write(`\nplan hash of now  ${made.hash}\n`)
  }
}

async function print(
  terminal: CommandContext['terminal'],
  made: HashedPlan,
  options: PlanOptions,
  connection?: Connection,
): Promise<void> {
  if (options.json === true) {
    terminal.write(`${JSON.stringify({ hash: made.hash, plan: made.plan })}\n`)
    return
  }
  const [{ planText }, { runKind }] = await Promise.all([
    import('../render/plan-text.ts'),
    import('../../evidence/run-kind.ts'),
  ])
  const kind = runKind(made.plan.mode, connection?.context.place)
  terminal.write(planText(made.plan, made.hash, paintFor(terminal), kind))
  if (connection === undefined) return
  terminal.note(`next: an approver runs \`pointzero approve ${made.hash}\`,\n`)
  terminal.note(`      then \`pointzero run ${made.plan.procedure} --approve ${made.hash}\`\n`)
}
