import { join } from 'node:path'
import { RecoveryError } from '../../domain/recovery-error.ts'
import { personContext } from '../../lab/lab-paths.ts'
import { labUp } from '../../lab/lab.ts'
import type { Lab } from '../../lab/lab.ts'
import type { CommandContext } from '../command-context.ts'
import type { DemoOptions } from '../commands/start.ts'
import { connect } from '../connection.ts'
import { exitCodes } from '../exit-code.ts'
import { keepEvidence } from '../keep-evidence.ts'
import { labChoice } from '../lab-commands.ts'
import { demoJson, demoText } from '../render/demo-text.ts'
import { paintFor } from '../render/paint.ts'
import type { Terminal } from '../terminal.ts'
import { usageError } from '../usage-error.ts'
import { corruptAndRecover } from './corrupt-and-recover.ts'
import { isMet } from './demonstration.ts'
import type { Demonstration, ProvedAct } from './demonstration.ts'
import { loseZone } from './lose-zone.ts'

/** What the estate is put through, in this order. */
export type ActName = 'zone-loss' | 'corruption'

const acts = { 'zone-loss': loseZone, corruption: corruptAndRecover } as const

/**
 * A real estate on this machine goes through each act while clients write, and comes back. Of each act there is evidence, which a separate
 * verifier believes; the exit code is 0 only when every objective was met.
 */
export async function demonstrate(
  { terminal, end }: CommandContext,
  options: DemoOptions,
  { drill, names }: { readonly drill: boolean; readonly names: readonly ActName[] },
): Promise<void> {
  const say = progress(terminal)
  const seed = seedOf(options)
  say(`seed ${seed}: the orders, the faults and their moments follow from it`)
  if (drill) say('a drill: the sandbox is the lab, and nothing outside of it can be reached from there')
  const lab = await labUp({
    ...labChoice(options),
    drill,
    backup: names.includes('corruption'),
    progress: say,
  })
  let keepFiles = true
  try {
    const connection = await connect(terminal, { context: personContext(lab.state.directory, 'operator') })
    const directory = options.evidence ?? join(terminal.workingDirectory, '.pointzero', 'evidence')
    const demonstration = { terminal, connection, lab, seed, say }
    const proved = await unlessStopped(terminal.stop, play(demonstration, names, directory))
    const allMet = proved.every(({ bundle }) => isMet(bundle))
    if (!allMet) end(exitCodes.failed)
    keepFiles = options.keep === true || !allMet
    terminal.write(
      options.json === true ? demoJson(proved) : demoText(proved, terminal.nowMs(), paintFor(terminal)),
    )
  } catch (error) {
    if (terminal.stop.aborted) throw stopped(error)
    throw error
  } finally {
    await leave(lab, { keep: options.keep === true, keepFiles, say })
  }
}

async function play(
  demonstration: Demonstration,
  names: readonly ActName[],
  directory: string,
): Promise<readonly ProvedAct[]> {
  const { connection, say } = demonstration
  const proved: ProvedAct[] = []
  for (const name of names) {
    const bundle = await acts[name](demonstration)
    const files = await keepEvidence(bundle, connection.context.pinned, directory)
    say(`the separate verifier says of the evidence of the ${name}: genuine`)
    proved.push({ bundle, files })
  }
  return proved
}

async function leave(
  lab: Lab,
  {
    keep,
    keepFiles,
    say,
  }: { readonly keep: boolean; readonly keepFiles: boolean; readonly say: (line: string) => void },
): Promise<void> {
  const { directory } = lab.state
  if (keep) {
    say(`the lab stays up: export POINTZERO_CONTEXT=${personContext(directory, 'operator')}`)
    say(`its end: pointzero lab down --directory ${directory}`)
    return
  }
  await lab.down({ keepFiles })
  say(
    keepFiles
      ? `the lab is gone; its logs are in ${directory}/logs`
      : 'the lab is gone, nothing of it is left',
  )
}

function progress(terminal: Terminal): (line: string) => void {
  const startMs = performance.now()
  return (line) =>
    terminal.note(`${((performance.now() - startMs) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`)
}

function seedOf({ seed }: DemoOptions): number {
  if (seed === undefined) return 1 + Math.floor(Math.random() * 1_000_000)
  const number = Number(seed)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw usageError(`--seed ${seed} is not a number from 1`, '`pointzero start --seed 7`')
}

/** Work that can not be interrupted is left behind: the lab that it works on is taken down. */
async function unlessStopped<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (stop.aborted) reject(stop.reason)
  stop.addEventListener('abort', () => reject(stop.reason), { once: true })
  return Promise.race([work, promise])
}

function stopped(cause: unknown): RecoveryError {
  return new RecoveryError({
    code: 'DEMO_STOPPED',
    class: 'transient',
    message: 'stopped before it had proved anything; the lab was taken down',
    hint: 'start again with `pointzero start`',
    cause,
  })
}
