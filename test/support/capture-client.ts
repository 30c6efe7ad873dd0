import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CaptureState } from '../../src/capture/capture-state.ts'
import { captureConfigFormat } from '../../src/domain/capture-config.ts'
import type { CaptureConfig } from '../../src/domain/capture-config.ts'

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

const made = new Set<CaptureClient>()
process.once('exit', () => {
  for (const client of made) client.killNow()
})

/** `pointzero capture` as a process of its own, with what it last said. */
export class CaptureClient {
  readonly archive: string
  readonly #configFile: string
  #child: ChildProcess | undefined
  #rest = ''
  state: CaptureState | undefined
  readonly states: CaptureState[] = []
  errors = ''

  constructor(root: string, name: string, config: Partial<CaptureConfig>) {
    this.archive = join(root, name)
    this.#configFile = join(root, `${name}.json`)
    const full = {
      format: captureConfigFormat,
      archiveDirectory: this.archive,
      sources: [],
      user: 'postgres',
      applicationName: name,
      slot: name,
      database: 'postgres',
      statusIntervalMs: 500,
      silenceMs: 5_000,
      ...config,
    } satisfies CaptureConfig
    writeFileSync(this.#configFile, JSON.stringify(full))
    made.add(this)
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  start(): void {
    this.state = undefined
    const args = [
      '--disable-warning=ExperimentalWarning',
      main,
      'capture',
      '--config',
      this.#configFile,
      '--json',
    ]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.on('data', (chunk: Buffer) => this.#hear(chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-6000)))
    this.#child = child
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return null
    if (child.exitCode !== null) return child.exitCode
    const gone = once(child, 'exit')
    child.kill(signal)
    const [code] = (await gone) as [number | null]
    return code
  }

  /** Ends by itself: with this code. */
  async exited(): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const [code] = (await once(child, 'close')) as [number | null]
    return code
  }

  killNow(): void {
    this.#child?.kill('SIGKILL')
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as CaptureState | { readonly error: unknown }
      if ('error' in said) this.errors += line
      else {
        this.state = said
        this.states.push(said)
      }
    }
  }
}
