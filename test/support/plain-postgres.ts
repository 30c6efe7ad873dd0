import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTcpStream } from '../../src/platform/tcp-stream.ts'
import { openPostgresConnection } from '../../src/protocol/postgres-connection.ts'
import type { PostgresConnection } from '../../src/protocol/postgres-connection.ts'
import { freePort } from './free-port.ts'
import { serverUser } from './server-user.ts'
import type { ServerUser } from './server-user.ts'

export async function runProgram(
  program: string,
  args: readonly string[],
  options: object = {},
): Promise<string> {
  const child = spawn(program, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${errors.slice(-2000)}`)
  return output
}

/** Polls until the answer is there. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  ms = 30_000,
): Promise<T> {
  let last: unknown
  for (const until = performance.now() + ms; performance.now() < until; await sleep(50)) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = error
    }
  }
  throw new Error(`did not happen within ${ms} ms: ${what}`, { cause: last })
}

/** Servers without any of the product around them, below one directory; `close` leaves nothing behind. */
export class PlainPostgres {
  readonly root: string
  readonly user: ServerUser | undefined
  readonly #running = new Set<ChildProcess>()

  private constructor(root: string, user: ServerUser | undefined) {
    this.root = root
    this.user = user
    process.once('exit', () => {
      for (const child of this.#running) child.kill('SIGQUIT')
    })
  }

  static async open(): Promise<PlainPostgres> {
    const root = await mkdtemp(join(tmpdir(), 'pointzero-plain-'))
    const user = serverUser()
    await chmod(root, 0o755)
    if (user !== undefined) await chown(root, user.uid, user.gid)
    return new PlainPostgres(root, user)
  }

  async initialise(
    bin: string,
    name: string,
    settings: readonly string[] = [],
    more: readonly string[] = [],
  ): Promise<PlainServer> {
    const data = join(this.root, name)
    const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    await runProgram(join(bin, 'initdb'), [...args, ...more], this.user)
    return this.server(bin, name, [
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      "shared_buffers = '32MB'",
      'max_wal_senders = 8',
      "max_slot_wal_keep_size = '1GB'",
      "wal_sender_timeout = '5s'",
      ...settings,
    ])
  }

  /** A server of a directory that exists. */
  async server(bin: string, name: string, settings: readonly string[] = []): Promise<PlainServer> {
    const data = join(this.root, name)
    await appendFile(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`)
    return new PlainServer(bin, data, await freePort(), this.user, this.#running)
  }

  async close(): Promise<void> {
    for (const child of this.#running) {
      const gone = once(child, 'exit')
      child.kill('SIGQUIT')
      await gone
    }
    await rm(this.root, { recursive: true, force: true, maxRetries: 5 })
  }
}

export class PlainServer {
  readonly bin: string
  readonly data: string
  readonly port: number
  readonly #user: ServerUser | undefined
  readonly #running: Set<ChildProcess>
  #child: ChildProcess | undefined
  log = ''

  constructor(
    bin: string,
    data: string,
    port: number,
    user: ServerUser | undefined,
    running: Set<ChildProcess>,
  ) {
    this.bin = bin
    this.data = data
    this.port = port
    this.#user = user
    this.#running = running
  }

  /** Tries again while processes of a killed postmaster still hold its memory. */
  async start(): Promise<void> {
    await eventually(`PostgreSQL answers on ${this.port}: ${this.log}`, async () => {
      if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null)
        this.#spawn()
      const connection = await this.connect()
      connection.close()
      return true
    }).catch((error: unknown) => {
      throw new Error(this.log, { cause: error })
    })
  }

  #spawn(): void {
    const child = spawn(join(this.bin, 'postgres'), ['-D', this.data, '-p', String(this.port)], {
      ...this.#user,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.on('data', (chunk: Buffer) => (this.log = (this.log + chunk.toString()).slice(-4000)))
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    this.#child = child
  }

  async stop(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGTERM' = 'SIGINT'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }

  async connect(
    options: { readonly settings?: Record<string, string>; readonly database?: string } = {},
  ): Promise<PostgresConnection> {
    const stream = await openTcpStream({ address: '127.0.0.1', port: this.port, connectTimeoutMs: 5_000 })
    return openPostgresConnection(stream, {
      user: 'postgres',
      database: 'postgres',
      applicationName: 'test client',
      nonce: () => randomBytes(18).toString('base64'),
      tls: { policy: 'disable' },
      ...options,
    })
  }

  /** One request on a session of its own; the rows of its last result. */
  async sql(text: string, database = 'postgres'): Promise<readonly (readonly (string | null)[])[]> {
    const connection = await this.connect({ database })
    try {
      return (await connection.simpleQuery(text)).at(-1)?.rows ?? []
    } finally {
      connection.close()
    }
  }

  async scalar(text: string): Promise<string> {
    return (await this.sql(text))[0]?.[0] ?? ''
  }

  async configure(line: string): Promise<void> {
    await appendFile(join(this.data, 'postgresql.conf'), `${line}\n`)
  }

  async touch(name: string): Promise<void> {
    const path = join(this.data, name)
    await writeFile(path, '')
    if (this.#user !== undefined) await chown(path, this.#user.uid, this.#user.gid)
  }
}
