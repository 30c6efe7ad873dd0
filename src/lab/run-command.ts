import { spawn } from 'node:child_process'
import { RecoveryError } from '../domain/recovery-error.ts'

export interface CommandResult {
  /** 127 when the program does not exist. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export type RunCommand = (
  argv: readonly string[],
  /** Beside the environment of this process. */
  environment?: Readonly<Record<string, string>>,
) => Promise<CommandResult>

/** The administrator's folders too: a plain PATH often lacks the place where `ip` and `iptables` are. */
export const searchPath = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`

/** Runs a program without a shell and waits for its end. A failure is a result, never an exception. */
export const runCommand: RunCommand = ([program = '', ...args], environment = {}) => {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath, LC_ALL: 'C', ...environment },
  })
  const output: { stdout: string; stderr: string } = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const { promise, resolve } = Promise.withResolvers<CommandResult>()
  child.on('error', (error) => resolve({ ...output, code: 127, stderr: error.message }))
  child.on('close', (code) => resolve({ ...output, code: code ?? 128 }))
  return promise
}

/** For commands that must work; returns what was printed. */
export async function mustRun(argv: readonly string[]): Promise<string> {
  const result = await runCommand(argv)
  if (result.code === 0) return result.stdout
  throw new RecoveryError({
    code: 'LAB_COMMAND_FAILED',
    class: 'permanent',
    message: `${argv.join(' ')}: ${result.stderr.trim() || `exit code ${result.code}`}`,
    hint: 'run it by hand to see why; `pointzero lab down` removes what the lab made',
  })
}
