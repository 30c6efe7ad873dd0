import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { initialisePrimary } from '../../src/drivers/postgres/initialise-primary.ts'
import type { PostgresMemberConfig } from '../../src/drivers/postgres/member-config.ts'
import { cloneOverReplication } from '../../src/drivers/postgres/postgres-clone.ts'
import { openPostgresMember } from '../../src/drivers/postgres/postgres-member.ts'
import type { OpenPostgresMember } from '../../src/drivers/postgres/postgres-member.ts'
import { signalProcess } from '../../src/drivers/postgres/process-table.ts'
import { openRestoreTarget } from '../../src/platform/restore-target.ts'
import { openTcpStream } from '../../src/platform/tcp-stream.ts'
import type { Upstream } from '../../src/ports/database-member.ts'
import type { Log } from '../../src/ports/log.ts'
import { freePort } from './free-port.ts'
import { serverUser } from './server-user.ts'
import { clock } from './system-time.ts'

export const systemPostgres = '/usr/lib/postgresql/15/bin'

export function requireSystemPostgres(): void {
  assert.ok(
    existsSync(join(systemPostgres, 'postgres')),
    'PostgreSQL 15 is missing: apt-get update && apt-get install -y --no-install-recommends postgresql-15',
  )
}

export interface Node {
  readonly config: PostgresMemberConfig
  readonly member: OpenPostgresMember
  readonly upstream: Upstream
}

/** Members of one cluster below one temporary directory. `close` ends every process and removes every file. */
export class PostgresEstate {
  readonly root: string
  readonly logged: { readonly event: string; readonly fields: object }[] = []
  readonly #bin: string
  readonly #user: { readonly uid: number; readonly gid: number } | undefined
  readonly #nodes: Node[] = []
  readonly #log: Log = {
    info: (event, fields = {}) => void this.logged.push({ event, fields }),
    warn: (event, fields = {}) => void this.logged.push({ event, fields }),
  }

  private constructor(root: string, bin: string, user: { uid: number; gid: number } | undefined) {
    this.root = root
    this.#bin = bin
    this.#user = user
  }

  /** A runner that is ended half-way takes its servers along: they have sessions of their own and would go on. */
  #killOnExit(): void {
    process.once('exit', () => {
      for (const { config } of this.#nodes) {
        const path = join(config.dataDirectory, 'postmaster.pid')
        if (existsSync(path)) signalProcess(Number(readFileSync(path, 'utf8').split('\n')[0]), 'SIGQUIT')
      }
    })
    process.once('SIGTERM', () => process.exit(143))
    process.once('SIGINT', () => process.exit(130))
  }

  static async open(bin: string): Promise<PostgresEstate> {
    const user = serverUser()
    const root = await mkdtemp(join(tmpdir(), 'pz-pg-'))
    await chmod(root, 0o755)
    if (user !== undefined) await chown(root, user.uid, user.gid)
    const estate = new PostgresEstate(root, bin, user)
    estate.#killOnExit()
    return estate
  }

  async node(name: string, more: Partial<PostgresMemberConfig> = {}): Promise<Node> {
    const directory = join(this.root, name)
    const config: PostgresMemberConfig = {
      name,
      binDirectory: this.#bin,
      dataDirectory: join(directory, 'data'),
      address: '127.0.0.1',
      port: await freePort(),
      superuser: 'pointzero',
      database: 'exchange',
      password: `s3cret: it's "\\quoted"`,
      socketDirectory: join(directory, 's'),
      logFile: join(this.root, `${name}.log`),
      canaryKey: 'canary key',
      ...(this.#user === undefined ? {} : { runAs: this.#user }),
      ...more,
    }
    return this.open(config)
  }

  /** Another driver for the same member, as an agent that starts again has. */
  open(config: PostgresMemberConfig): Node {
    const clone = cloneOverReplication({
      openStream: async ({ address, port }) =>
        await openTcpStream({ address, port, connectTimeoutMs: 3_000 }),
      openTarget: (directory) => openRestoreTarget(directory, this.#user),
      nonce: () => randomBytes(18).toString('base64'),
    })
    const member = openPostgresMember(config, { clock, log: this.#log, clone })
    const node = {
      config,
      member,
      upstream: { name: config.name, address: config.address, port: config.port },
    }
    this.#nodes.push(node)
    return node
  }

  /** The first primary of a new cluster. */
  async primary(node: Node): Promise<string> {
    const { systemIdentifier } = await initialisePrimary(node.config)
    await node.member.startAsStandby()
    await node.member.promote()
    return systemIdentifier
  }

  async standby(node: Node, primary: Node): Promise<void> {
    assert.equal((await node.member.rejoin(primary.upstream)).method, 'clone')
    await node.member.startAsStandby()
    await node.member.follow(primary.upstream)
  }

  async close(): Promise<void> {
    for (const { member } of this.#nodes) {
      await member.stopImmediate()
      member.close()
    }
    const left = await postgresBelow(this.root)
    await rm(this.root, { recursive: true, force: true })
    assert.deepEqual(left, [], 'no process is left behind')
  }

  /** The end of every server's log. */
  async readLogs(): Promise<string> {
    const names = [...new Set(this.#nodes.map(({ config }) => config.logFile))]
    const texts = names.map(
      async (path) => `${path}\n${(await readFile(path, 'utf8').catch(() => '')).slice(-3000)}`,
    )
    return (await Promise.all(texts)).join('\n')
  }
}

/** A client of the application. The caller ends it. */
export async function connectClient(
  node: Node,
  options: { readonly options?: string; readonly database?: string } = {},
): Promise<Client> {
  const { address, port, superuser, database, password, tls } = node.config
  const ssl = tls === undefined ? false : { ca: readFileSync(tls.ca), host: address }
  const client = new Client({ host: address, port, user: superuser, database, password, ssl, ...options })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** One statement on a connection of its own. */
export async function sql(node: Node, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = await connectClient(node)
  try {
    const { rows } = await client.query(text)
    return rows as readonly Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  ms = 20_000,
): Promise<T> {
  const start = clock.monotonicMs()
  let last: unknown
  while (clock.monotonicMs() - start < ms) {
    const answer = await ask().catch((error: unknown) => {
      last = error
      return undefined
    })
    if (answer !== undefined) return answer
    await clock.sleep(20)
  }
  throw new Error(`did not happen within ${ms} ms: ${what}`, { cause: last })
}

export async function postmasterPid(node: Node): Promise<number> {
  return Number((await readFile(join(node.config.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0])
}

async function postgresBelow(root: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const state = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ') Z')
    if (cwd.startsWith(root) && !state.includes(') Z')) found.push(`${pid} ${cwd}`)
  }
  return found
}
