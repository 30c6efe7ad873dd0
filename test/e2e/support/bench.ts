import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCommandLine } from '../../../src/cli/command-line.ts'
import { connect } from '../../../src/cli/connection.ts'
import type { Connection } from '../../../src/cli/connection.ts'
import type { Terminal } from '../../../src/cli/terminal.ts'
import type { LabPolicy, LabSchedule } from '../../../src/lab/lab-estate.ts'
import type { LabHostName } from '../../../src/lab/lab-host.ts'
import { personContext, productProgram } from '../../../src/lab/lab-paths.ts'
import type { LabPerson } from '../../../src/lab/lab-paths.ts'
import { labMarks } from '../../../src/lab/lab-process.ts'
import { labUp } from '../../../src/lab/lab.ts'
import type { Lab } from '../../../src/lab/lab.ts'
import { searchPath } from '../../../src/lab/run-command.ts'

/** What a command said and how it ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program that runs in a process of its own, on a host of the lab. */
export interface Started {
  readonly pid: number
  readonly ended: Promise<Ended>
  signal(signal: NodeJS.Signals): void
}

/** One real estate, with the people who look after it. */
export interface Bench {
  readonly lab: Lab
  /** The operator's way to the control plane, for looking at things often. */
  readonly operator: Connection
  /** `pointzero <args>` as that person, in this process. */
  pointzero(person: LabPerson, ...args: readonly string[]): Promise<Ended>
  /** The same, whose answer is JSON and which must end well. */
  json<Reply>(person: LabPerson, ...args: readonly string[]): Promise<Reply>
  /** The same in a process of its own, on the clients' host. */
  startPointzero(person: LabPerson, ...args: readonly string[]): Started
  /** Any program of Node on the clients' host. */
  startProgram(argv: readonly string[]): Started
  /** A test failed: its lab's files are worth keeping. */
  failed(): void
  down(): Promise<void>
}

/**
 * For what is about losing a host, again and again. Machines that run tests are slow at times: a primary counts as lost after 3 s of silence, so
 * that a stutter is no disaster. Not shorter than the fence, so that an isolated primary has stopped before another opens.
 */
export const patientPolicy: LabPolicy = { detect: 'PT3S', fence: 'PT2S' }

/** For everything else: two cores that stand still for three seconds end no primary's service where nobody is to lose one. */
const unhurriedPolicy: LabPolicy = { detect: 'PT8S', fence: 'PT7S' }

export async function benchUp(
  policy: LabPolicy = unhurriedPolicy,
  adopt = true,
  schedule?: LabSchedule,
): Promise<Bench> {
  const lab = await labUp({
    ...{ progress: () => {}, network: 'namespaces', postgres: 'system', policy, adopt },
    ...(schedule === undefined ? {} : { schedule }),
  })
  const bench = await benchOf(lab)
  if (open.size === 0)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.prependOnceListener(signal, endAll)
  open.add(bench)
  return bench
}

/** A file may have more than one. */
const open = new Set<Bench>()

/** The runner ends a file that takes too long, in a listener of its own and at once: another process ends its labs and leaves the logs. */
function endAll(): void {
  for (const { lab } of open) {
    const down = [productProgram, 'lab', 'down', '--directory', lab.state.directory, '--keep-files']
    spawn(process.execPath, down, { detached: true, stdio: 'ignore' }).unref()
  }
  process.exit(1)
}

async function benchOf(lab: Lab): Promise<Bench> {
  const { directory } = lab.state
  const children = new Set<Started>()
  let keepFiles = false
  const contextOf = (person: LabPerson): readonly string[] => ['--context', personContext(directory, person)]
  const bench: Bench = {
    lab,
    operator: await connect(capture().terminal, { context: personContext(directory, 'operator') }),
    async pointzero(person, ...args) {
      const { terminal, said } = capture()
      const code = await runCommandLine([...args, ...contextOf(person)], terminal)
      return { code, ...said }
    },
    async json<Reply>(person: LabPerson, ...args: readonly string[]) {
      const ended = await bench.pointzero(person, ...args, '--json')
      return lastJson<Reply>(ended, args)
    },
    startPointzero: (person, ...args) => bench.startProgram([productProgram, ...args, ...contextOf(person)]),
    startProgram(argv) {
      const started = start(lab, 'client', argv)
      children.add(started)
      void started.ended.then(() => children.delete(started))
      return started
    },
    failed: () => void (keepFiles = true),
    async down() {
      for (const child of children) child.signal('SIGKILL')
      await lab.down({ keepFiles })
      open.delete(bench)
      if (keepFiles) process.stdout.write(`the lab's logs stay in ${directory}/logs\n`)
    },
  }
  return bench
}

/** The last line is the answer; what came before told how it went on. */
export function lastJson<Reply>({ code, stdout, stderr }: Ended, args: readonly string[]): Reply {
  const [last = ''] = stdout.trim().split('\n').slice(-1)
  if (code === 0) return JSON.parse(last) as Reply
  throw new Error(`pointzero ${args.join(' ')} ended with ${code}: ${(last || stderr).slice(0, 3000)}`)
}

export function capture(stop: AbortSignal = new AbortController().signal): {
  readonly terminal: Terminal
  readonly said: { stdout: string; stderr: string }
} {
  const said = { stdout: '', stderr: '' }
  const terminal: Terminal = {
    write: (text) => void (said.stdout += text),
    note: (text) => void (said.stderr += text),
    hasColour: false,
    environment: {},
    workingDirectory: process.cwd(),
    nowMs: () => Date.now(),
    stop,
  }
  return { terminal, said }
}

/** `ip netns exec` becomes the program itself, so the pid is the program's. */
function start({ state, network }: Lab, host: LabHostName, argv: readonly string[]): Started {
  const [program = '', ...args] = network.argvOn(host, [process.execPath, ...argv])
  // The same few programs are started hundreds of times.
  const cache = join(state.directory, 'compile-cache')
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: searchPath, LC_ALL: 'C', NODE_COMPILE_CACHE: cache, ...labMarks(state, host) },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  child.on('error', reject)
  child.on('close', (code, signal) => resolve({ ...said, code: code ?? (signal === null ? 1 : 137) }))
  return { pid: child.pid ?? 0, ended: promise, signal: (signal) => void child.kill(signal) }
}

/** Asks again and again. What was seen last is in the error. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 120_000,
): Promise<T> {
  let last = 'nothing'
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(100)) {
    try {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      last = 'not so yet'
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
  }
  throw new Error(`not seen within ${timeoutMs / 1000} s: ${what}; last: ${last}`)
}
