import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { PostgresMemberConfig } from './member-config.ts'
import { permanent } from './postgres-failure.ts'

export interface ProgramResult {
  readonly exitCode: number
  /** The end of what it wrote to both outputs. */
  readonly output: string
}

const outputMax = 16_384

/** Runs one of PostgreSQL's own programs as the server's user, by argv, never through a shell. */
export async function runProgram(
  config: Pick<PostgresMemberConfig, 'binDirectory' | 'runAs' | 'name'>,
  program: string,
  args: readonly string[],
  input = '',
): Promise<ProgramResult> {
  const child = spawn(join(config.binDirectory, program), args, {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(config.runAs === undefined ? {} : config.runAs),
  })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-outputMax)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  // It may end before it has read everything; its exit code says so.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const hint = 'check binDirectory in estate.yaml and that the server user may read it'
      reject(
        permanent(
          'PG_BINARY_MISSING',
          `${config.name}: ${program} can not be executed: ${error.message}`,
          hint,
        ),
      )
    })
    child.once('close', (code) => resolve({ exitCode: code ?? -1, output }))
  })
}
