import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Endpoint } from '../../ports/network.ts'
import type { GateDoor, GateRoute, GateSeen } from '../../ports/traffic-gate.ts'
import type { OpenGate } from './builtin-gate.ts'
import { requireCurrentEpoch } from './gate-epoch.ts'
import { haproxyCommand, parseServerState, parseSessions } from './haproxy-runtime.ts'

export interface HaproxyGateConfig {
  readonly name: string
  readonly listen: Endpoint
  /** The haproxy program. */
  readonly binary: string
  /** Of this gate alone: its configuration and its runtime socket. Made when it does not exist. */
  readonly directory: string
}

const readyMs = 10_000
const sessionsMs = 5_000
/** As HAProxy lists them: every address of both families. */
const everybody = ['0.0.0.0/0', '::/0'] as const

/** An HAProxy process that this driver starts and routes through its runtime socket; it starts without a target. */
export async function openHaproxyGate(config: HaproxyGateConfig, clock: Clock): Promise<OpenGate> {
  const gate = new HaproxyGate(config, clock)
  await gate.start()
  return gate
}

class HaproxyGate implements OpenGate {
  readonly #config: HaproxyGateConfig
  readonly #clock: Clock
  readonly #socket: string
  /** Addresses that are turned away: a file for the start, changed through the runtime socket afterwards. */
  readonly #shutList: string
  #child: ChildProcess | undefined
  #epoch = 0
  #door: GateDoor = { shut: false, message: '' }

  constructor(config: HaproxyGateConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    this.#socket = join(config.directory, 'runtime')
    this.#shutList = join(config.directory, 'shut')
  }

  get name(): string {
    return this.#config.name
  }

  get port(): number {
    return this.#config.listen.port
  }

  /** What HAProxy itself says; a process that does not answer leads nowhere that is known. */
  async observe(): Promise<GateSeen> {
    const state = parseServerState(await this.#command('show servers state primary'), 'target')
    if (state === undefined) throw misbehaves(this.name, 'show servers state', 'no server "target"')
    const seen = { epoch: this.#epoch, ...((await this.#isShut()) ? { shut: true as const } : {}) }
    if (state.closed) return seen
    return { ...seen, target: { address: state.address, port: state.port } }
  }

  async route(route: GateRoute): Promise<void> {
    requireCurrentEpoch(this.name, { epoch: this.#epoch }, route)
    // A route is an address: a name would be resolved by HAProxy, at another time, to something else.
    if (route.target !== undefined && isIP(route.target.address) === 0) {
      throw misbehaves(this.name, 'route', `${route.target.address} is not an IP address`)
    }
    if (this.#child === undefined) await this.start()
    this.#epoch = route.epoch
    const { target } = await this.observe()
    if (target?.address === route.target?.address && target?.port === route.target?.port) return
    await this.#set('set server primary/target state maint')
    await this.#endEverySession()
    if (route.target === undefined) return
    await this.#set(`set server primary/target addr ${route.target.address} port ${route.target.port}`)
    await this.#set('set server primary/target state ready')
  }

  async setDoor(door: GateDoor): Promise<void> {
    if (door.admitsOwnHost === true) throw misbehaves(this.name, 'door', 'it can not tell its own host apart')
    if (this.#child === undefined) await this.start()
    this.#door = door
    if ((await this.#isShut()) === door.shut) return
    const [everybody4, everybody6] = everybody
    await this.#set(
      door.shut
        ? `add acl ${this.#shutList} ${everybody4};add acl ${this.#shutList} ${everybody6}`
        : `clear acl ${this.#shutList}`,
    )
  }

  async sessions(): Promise<number> {
    return parseSessions(await this.#command('show stat primary 4 -1'), 'target')
  }

  async endSessions(): Promise<void> {
    await this.#set('shutdown sessions server primary/target')
  }

  async #isShut(): Promise<boolean> {
    return (await this.#command(`show acl ${this.#shutList}`)).includes(everybody[0])
  }

  async close(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await exited
    await rm(this.#socket, { force: true })
  }

  async start(): Promise<void> {
    const { binary, directory } = this.#config
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await rm(this.#socket, { force: true })
    const file = join(directory, 'haproxy.cfg')
    await writeFile(file, this.#configuration(), { mode: 0o600 })
    await writeFile(this.#shutList, this.#door.shut ? `${everybody.join('\n')}\n` : '', { mode: 0o600 })
    const child = spawn(binary, ['-db', '-q', '-f', file], {
      cwd: directory,
      env: { PATH: '/usr/sbin:/usr/bin:/bin' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString('utf8')).slice(-2000)))
    this.#child = child
    const ended = (): void => {
      if (this.#child === child) this.#child = undefined
    }
    child.once('error', (error) => {
      output += error.message
      ended()
    })
    child.once('exit', ended)
    const start = this.#clock.monotonicMs()
    for (;;) {
      if (this.#child !== child) throw misbehaves(this.name, 'start', output.trim())
      const up = await this.#command('show info').then(
        () => true,
        () => false,
      )
      if (up) return
      if (this.#clock.monotonicMs() - start > readyMs)
        throw misbehaves(this.name, 'start', 'no runtime socket')
      await this.#clock.sleep(10)
    }
  }

  #configuration(): string {
    const { address, port } = this.#config.listen
    const host = isIP(address) === 6 ? `[${address}]` : address
    return `# Written by Pointzero; routed through the runtime socket.
global
  stats socket ${this.#socket} mode 600 level admin
  maxconn 4000
defaults
  mode tcp
  timeout connect 1s
  timeout client 24h
  timeout server 24h
  retries 0
  option clitcpka
  option srvtcpka
frontend door
  bind ${host}:${port}
  tcp-request connection reject if { src -f ${this.#shutList} }
  default_backend primary
backend primary
  server target 192.0.2.1:1 disabled
`
  }

  async #endEverySession(): Promise<void> {
    const start = this.#clock.monotonicMs()
    for (;;) {
      await this.endSessions()
      if ((await this.sessions()) === 0) return
      if (this.#clock.monotonicMs() - start > sessionsMs) {
        throw misbehaves(this.name, 'shutdown sessions', 'sessions to the old target remain')
      }
      await this.#clock.sleep(5)
    }
  }

  /** Success of a `set` is silence, or a note about the change that begins with the server's name. */
  async #set(command: string): Promise<void> {
    const answer = await this.#command(command)
    if (answer === '' || answer.startsWith('IP changed') || answer.startsWith('no need to change')) return
    if (/port changed|no need to change/.test(answer)) return
    throw misbehaves(this.name, command, answer)
  }

  async #command(command: string): Promise<string> {
    return await haproxyCommand(this.#clock, this.#socket, command)
  }
}

function misbehaves(name: string, what: string, answer: string): RecoveryError {
  return new RecoveryError({
    code: 'GATE_FAILED',
    class: 'permanent',
    message: `gate ${name}: ${what}: ${answer}`,
    hint: 'read what HAProxy says, correct estate.yaml, then `pointzero check`',
  })
}
