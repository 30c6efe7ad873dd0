import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '..', '..')

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program of this repository that is under way. */
export class Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>

  constructor(args: readonly string[]) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
    this.ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
    running.add(child)
    child.once('close', () => running.delete(child))
  }
}

/** `pointzero vault` on one vault below `root`, with its keys. */
export class VaultCommands {
  readonly store: string
  readonly #keys: string

  private constructor(store: string, keys: string) {
    this.store = store
    this.#keys = keys
  }

  static async make(root: string, name = 'vault'): Promise<VaultCommands> {
    const store = join(root, name)
    await mkdir(store, { recursive: true })
    const commands = new VaultCommands(store, join(root, `${name}-keys`))
    await commands.json(['init', '--store', store, '--out', join(root, `${name}-keys`)])
    return commands
  }

  get writer(): readonly string[] {
    return ['--writer', `file:${join(this.#keys, 'writer.json')}`]
  }

  get key(): readonly string[] {
    return ['--key', `file:${join(this.#keys, 'recovery.pem')}`]
  }

  get reading(): readonly string[] {
    return ['--store', this.store, '--pin', join(this.#keys, 'vault.pin.json')]
  }

  start(args: readonly string[]): Started {
    return new Started(['src/cli/main.ts', 'vault', ...args])
  }

  async run(args: readonly string[]): Promise<Ended> {
    return this.start(args).ended
  }

  async json(args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.run([...args, '--json'])
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
    return JSON.parse(stdout) as Record<string, unknown>
  }

  backupOf(port: number, ...more: readonly string[]): readonly string[] {
    const where = ['--host', '127.0.0.1', '--port', String(port), '--component', 'orders']
    return ['backup', '--store', this.store, ...this.writer, ...where, ...more]
  }

  async snapshots(): Promise<readonly { readonly snapshot: string }[]> {
    const { snapshots, problems } = await this.json(['list', ...this.reading])
    assert.deepEqual(problems, [])
    return snapshots as readonly { readonly snapshot: string }[]
  }

  /** The stand-alone reader. */
  async reader(args: readonly string[]): Promise<Ended> {
    const key = ['--key', join(this.#keys, 'recovery.pem')]
    return new Started(['tools/vault-reader/restore.mjs', ...this.reading, ...key, ...args]).ended
  }
}
