import { hostname } from 'node:os'
import { EstatePerformer } from '../actions/estate-performer.ts'
import type { Plan } from '../domain/plan.ts'
import { executeRun } from '../engine/executor.ts'
import { procedureVersions } from '../procedures/parts/catalogue.ts'
import type { CommandContext, CommonOptions } from './command-context.ts'
import { shownAs } from './connection.ts'
import type { Connection } from './connection.ts'
import { exitCodeOfRun, exitCodes } from './exit-code.ts'
import { followRun } from './follow-run.ts'
import { paintFor } from './render/paint.ts'
import { runBanner } from './render/run-banner.ts'

/** Executes an open run here, in this process, and prints its journal meanwhile. Stopping this process does not end the run. */
export async function execute(
  { terminal, end }: CommandContext,
  connection: Connection,
  { run, plan, from }: { readonly run: string; readonly plan: Plan; readonly from: number },
  options: CommonOptions,
): Promise<void> {
  const { world, estate, store } = connection
  const asJson = options.json === true
  const kind = shownAs(connection, plan.mode)
  if (!asJson)
    terminal.write(runBanner(kind, `${plan.procedure} (${plan.scenario}), ${run}`, paintFor(terminal)))
  const ended = new AbortController()
  const following = followRun(terminal, connection, {
    run,
    kind,
    asJson,
    from,
    until: ended.signal,
  })
  try {
    const result = await executeRun({
      world,
      store,
      performer: new EstatePerformer(world, estate, store),
      estate: estate.id,
      run,
      executor: `${connection.context.principal}@${hostname()}`,
      procedures: procedureVersions,
      signal: terminal.stop,
    })
    const exitCode = exitCodeOfRun(result.status)
    if (exitCode !== exitCodes.done) end(exitCode)
    ended.abort()
    await following
    if (asJson) terminal.write(`${JSON.stringify({ type: 'result', run, ...result, exitCode })}\n`)
    else terminal.write(`${run}: ${result.status}\n`)
  } finally {
    ended.abort()
    await following.catch(() => undefined)
  }
}
