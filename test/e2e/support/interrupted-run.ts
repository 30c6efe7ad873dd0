import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RecoveryError } from '../../../src/domain/recovery-error.ts'
import type { Plan } from '../../../src/domain/plan.ts'
import { personContext } from '../../../src/lab/lab-paths.ts'
import { until } from './bench.ts'
import type { Bench, Started } from './bench.ts'

const executorProgram = join(import.meta.dirname, 'executor-program.ts')

/** The command line of an executor that ends or freezes where it is told to. */
export function executorArguments({ lab }: Bench, run: string, args: readonly string[]): readonly string[] {
  return [executorProgram, '--context', personContext(lab.state.directory, 'operator'), '--run', run, ...args]
}

/** Asked for and approved by two people, and opened; nobody executes it yet. */
export async function openApproved(
  bench: Bench,
  procedure: string,
  ...args: readonly string[]
): Promise<{ readonly run: string; readonly plan: Plan }> {
  for (let attempt = 1; ; attempt++) {
    const made = await bench.json<{ readonly hash: string; readonly plan: Plan }>(
      'operator',
      'plan',
      procedure,
      ...args,
    )
    const { hash: planHash, plan } = made
    await bench.json('approver', 'approve', planHash)
    const { estate, parameters, mode } = plan
    try {
      const { run } = await bench.operator.openRun({ estate, procedure, parameters, mode, planHash })
      return { run, plan }
    } catch (error) {
      // Facts may move between the two; then it is asked for again.
      const isPassing = error instanceof RecoveryError && ['PLAN_CHANGED', 'RUN_OPEN'].includes(error.code)
      if (!isPassing || attempt === 5) throw error
    }
  }
}

/** Resolves when it stands still; a program that ended instead is an error. */
export async function untilFrozen(program: Started): Promise<void> {
  await until(`process ${program.pid} stands still`, async () => stateOf(program.pid) === 'T')
}

/** The letter of /proc: `T` is stopped by a signal. */
function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? ''
}
