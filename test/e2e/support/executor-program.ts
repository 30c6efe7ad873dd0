// An executor like the one of `pointzero run`, which kills or freezes itself at one boundary of its journal. For tests only.
// node executor-program.ts --context FILE --run RUN [--at before:intent:promote] [--how kill|freeze] [--trace FILE]
import { appendFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { EstatePerformer } from '../../../src/actions/estate-performer.ts'
import { connect } from '../../../src/cli/connection.ts'
import { exitCodeOf, exitCodeOfRun } from '../../../src/cli/exit-code.ts'
import { processTerminal } from '../../../src/cli/process-terminal.ts'
import { toErrorRecord } from '../../../src/domain/recovery-error.ts'
import { executeRun } from '../../../src/engine/executor.ts'
import { procedureVersions } from '../../../src/procedures/parts/catalogue.ts'
import { interrupted, parseBoundary } from './boundary.ts'

const { values: given } = parseArgs({
  options: {
    context: { type: 'string' },
    run: { type: 'string' },
    at: { type: 'string' },
    how: { type: 'string', default: 'kill' },
    trace: { type: 'string' },
  },
})

try {
  const { context = '', run = '', at, trace } = given
  const { world, estate, store, context: own } = await connect(processTerminal(), { context })
  const boundary = at === undefined ? undefined : parseBoundary(at)
  // Neither can be caught, so nothing is tidied up and nothing more is sent.
  const happen = (): void => void process.kill(process.pid, given.how === 'freeze' ? 'SIGSTOP' : 'SIGKILL')
  const watched = interrupted(store, boundary, happen, (labels) => {
    if (trace !== undefined) appendFileSync(trace, `${JSON.stringify(labels)}\n`)
  })
  const performer = new EstatePerformer(world, estate, watched)
  const executor = `${own.principal}@test`
  const result = await executeRun({
    world,
    store: watched,
    performer,
    estate: estate.id,
    run,
    executor,
    procedures: procedureVersions,
  })
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = exitCodeOfRun(result.status)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: toErrorRecord(error) })}\n`)
  process.exitCode = exitCodeOf(error)
}
