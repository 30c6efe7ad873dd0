import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Endpoint } from '../../ports/network.ts'
import type { GateDoor, GateRoute, GateSeen, TrafficGate } from '../../ports/traffic-gate.ts'
import { requireCurrentEpoch } from './gate-epoch.ts'
import { refusePostgres } from './postgres-refusal.ts'

export interface BuiltinGateConfig {
  readonly name: string
  /** Where clients connect; port 0 takes a free one. */
  readonly listen: Endpoint
  /** A target that does not accept within this is reported to the client by closing. */
  readonly connectTimeoutMs?: number
  /** What clients speak, if there is a way to tell them why they are turned away. */
  readonly speaks?: 'postgres'
}

/** A gate that this process runs. `close` ends every session and frees the port. */
export interface OpenGate extends TrafficGate {
  readonly port: number
  close(): Promise<void>
}

interface Session {
  readonly client: Socket
  readonly server: Socket
  readonly isOwn: boolean
}

/** A TCP relay. It starts without a target: whoever connects is turned away until a route is set. */
export async function openBuiltinGate(config: BuiltinGateConfig, clock: Clock): Promise<OpenGate> {
  const gate = new BuiltinGate(config, clock)
  await gate.listen()
  return gate
}

class BuiltinGate implements OpenGate {
  readonly #config: BuiltinGateConfig
  readonly #clock: Clock
  readonly #sessions = new Set<Session>()
  readonly #listener: Server
  #route: GateRoute = { epoch: 0 }
  #door: GateDoor = { shut: false, message: '' }

  constructor(config: BuiltinGateConfig, clock: Clock) {
    this.#config = config
    this.#clock = clock
    // Each side ends on its own: a client that has sent everything still gets the answer.
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) =>
      this.#accept(client),
    )
  }

  get name(): string {
    return this.#config.name
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port
  }

  async listen(): Promise<void> {
    const { address, port } = this.#config.listen
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', (error) => reject(notListening(this.name, error)))
      this.#listener.listen({ host: address, port }, resolve)
    })
    // Out of descriptors, for example: one client is lost, the gate goes on.
    this.#listener.on('error', () => undefined)
  }

  async observe(): Promise<GateSeen> {
    return this.#door.shut ? { ...this.#route, shut: true } : this.#route
  }

  async route(route: GateRoute): Promise<void> {
    requireCurrentEpoch(this.name, this.#route, route)
    const same = sameTarget(this.#route.target, route.target)
    this.#route = route
    if (!same) await this.#end([...this.#sessions])
  }

  async setDoor(door: GateDoor): Promise<void> {
    this.#door = door
  }

  async sessions(): Promise<number> {
    return this.#counted().length
  }

  async endSessions(): Promise<void> {
    await this.#end(this.#counted())
  }

  async close(): Promise<void> {
    this.#route = { epoch: this.#route.epoch }
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    await this.#end([...this.#sessions])
    await closed
  }

  #accept(client: Socket): void {
    const { target } = this.#route
    const isOwn = isOwnHost(client)
    if (this.#door.shut && !this.#admits(isOwn)) {
      this.#turnAway(client)
      return
    }
    if (target === undefined) {
      client.resetAndDestroy()
      return
    }
    const server = connect({
      host: target.address,
      port: target.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
    })
    const session: Session = { client, server, isOwn }
    this.#sessions.add(session)
    const end = (): void => {
      this.#sessions.delete(session)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      socket.once('error', end)
      // Both directions are finished, or one side is gone without a word: nothing more can arrive.
      socket.once('close', () =>
        socket.errored === null && socket.readableEnded ? this.#halfClosed(session) : end(),
      )
    }
    void this.#giveUpLate(server, end)
    server.once('connect', () => {
      client.pipe(server)
      server.pipe(client)
    })
  }

  #halfClosed(session: Session): void {
    if (session.client.destroyed && session.server.destroyed) this.#sessions.delete(session)
  }

  async #giveUpLate(server: Socket, end: () => void): Promise<void> {
    const timer = new AbortController()
    server.once('connect', () => timer.abort())
    server.once('close', () => timer.abort())
    try {
      await this.#clock.sleep(this.#config.connectTimeoutMs ?? 1_000, timer.signal)
    } catch {
      return // connected, or closed already
    }
    end()
  }

  #admits(isOwn: boolean): boolean {
    return isOwn && this.#door.admitsOwnHost === true
  }

  #turnAway(client: Socket): void {
    if (this.#config.speaks === 'postgres' && this.#door.message !== '')
      void refusePostgres(client, this.#door.message, this.#clock)
    else client.resetAndDestroy()
  }

  #counted(): readonly Session[] {
    return [...this.#sessions].filter(({ isOwn }) => !this.#door.shut || !this.#admits(isOwn))
  }

  /** Resets both sides: what was buffered for the old target never reaches it, and clients notice at once. */
  async #end(sessions: readonly Session[]): Promise<void> {
    for (const session of sessions) this.#sessions.delete(session)
    await Promise.all(sessions.flatMap(({ client, server }) => [reset(client), reset(server)]))
  }
}

/** From the address that it was reached at, or from a loopback address. */
function isOwnHost({ remoteAddress = '', localAddress = '' }: Socket): boolean {
  return remoteAddress === localAddress || /^(::1|(::ffff:)?127\.)/.test(remoteAddress)
}

/** Resolves when the socket is closed. */
async function reset(socket: Socket): Promise<void> {
  if (socket.closed) return
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // A reset while the end is being sent is refused (uv_tcp_close_reset: EINVAL): the socket then stays open and never says "close".
  const isEnding = socket.writableEnded && !socket.writableFinished
  if (socket.connecting || isEnding) socket.destroy()
  else socket.resetAndDestroy()
  await closed
}

function sameTarget(left: Endpoint | undefined, right: Endpoint | undefined): boolean {
  return left?.address === right?.address && left?.port === right?.port
}

function notListening(name: string, error: Error): RecoveryError {
  return new RecoveryError({
    code: 'GATE_NOT_LISTENING',
    class: 'permanent',
    message: `gate ${name} can not listen: ${error.message}`,
    hint: 'free the port (`ss -ltnp`) or give the listener another one in estate.yaml',
    cause: error,
  })
}
