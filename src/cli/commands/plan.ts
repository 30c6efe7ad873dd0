import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { connectedCommand } from '../command-context.ts'
import type { HashedPlan } from '../make-plan.ts'
import { collected } from '../parameters-option.ts'
import { paintFor } from '../render/paint.ts'

interface PlanOptions extends CommonOptions {
  readonly facts?: string
  readonly scenario?: string
  readonly param?: readonly string[]
  readonly drill?: true
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
    .option('--drill', 'plan a drill')
    .action(async (procedure: string, options: PlanOptions) => plan(context, procedure, options))
}

async function plan({ terminal }: CommandContext, procedure: string, options: PlanOptions): Promise<void> {
  const { makePlan, readFacts } = await import('../make-plan.ts')
  const order = { ...options, procedure, mode: options.drill === true ? 'drill' : 'real' } as const
  if (options.facts !== undefined) {
    const { loadEstate } = await import('../load-estate.ts')
    const facts = await readFacts(options.facts)
    const made = makePlan(order, await loadEstate(options.estate ?? 'estate.yaml'), facts)
    await print(terminal, made, options)
    return
  }
  const { connect } = await import('../connection.ts')
  const { proposePlan } = await import('../proposed-plan.ts')
  const connection = await connect(terminal, options)
  const { facts } = await connection.status()
  const made = makePlan(order, connection.estate, facts)
  await proposePlan(connection, made)
  await print(terminal, made, options)
}

async function print(
  terminal: CommandContext['terminal'],
  made: HashedPlan,
  options: PlanOptions,
): Promise<void> {
  if (options.json === true) {
    terminal.write(`${JSON.stringify({ hash: made.hash, plan: made.plan })}\n`)
    return
  }
  const { planText } = await import('../render/plan-text.ts')
  terminal.write(planText(made.plan, made.hash, paintFor(terminal)))
  if (options.facts !== undefined || made.plan.mode === 'drill') return
  terminal.note(`next: an approver runs \`pointzero approve ${made.hash}\`,\n`)
  terminal.note(`      then \`pointzero run ${made.plan.procedure} --approve ${made.hash}\`\n`)
}
