import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { AgentContext } from '../actions/agent-context.ts'
import type { Authority } from '../engine/action.ts'
import { admitsOwnHost, hostNamed } from '../estate/estate-lookup.ts'
import type { Listener, Peer } from '../ports/network.ts'
import type { World } from '../ports/world.ts'
import { ActionDesk } from './action-desk.ts'
import type { AgentSetup, LocalMember } from './agent-setup.ts'
import { AgentState } from './agent-state.ts'
import { BackupNotes } from './backup-notes.ts'
import { CopiesDesk } from './copies-desk.ts'
import { EpochGuard } from './epoch-guard.ts'
import { GateDoors } from './gate-doors.ts'
import { MemberWatch } from './member-watch.ts'
import { Tickets } from './tickets.ts'
import { Turns } from '../domain/turns.ts'
import { pause, ProbeWatch, type ProbeTarget } from './probe-watch.ts'
import {
  agentMethods,
  controlPlaneMethods,
  type ActionCall,
  type AgentView,
  type Heartbeat,
  type HeartbeatReply,
} from './wire.ts'

export interface RunningAgent {
  readonly port: number
  /** Stops watching and serving; what it started keeps running. */
  close(): Promise<void>
  view(): Promise<AgentView>
  /** Settles when it ended: fulfilled after `close`, rejected when a watch died of a bug. The process must then end. */
  readonly ended: Promise<void>
}

/**
 * The agent of one host: serves observations and actions to executors, reports to the control plane, probes members elsewhere, and keeps
 * its own primary honest. Needs nothing but its own disk to fence.
 */
export async function startAgent(world: World, setup: AgentSetup): Promise<RunningAgent> {
  const state = await AgentState.load(world.files, setup.statePath)
  const agent = new Agent(world, setup, state)
  await agent.setDoors()
  const listener = await world.network.serve(setup.listen, async (method, body, peer) =>
    agent.handle(method, body, peer),
  )
  return agent.run(listener)
}

/** Why a rest between heartbeats ends early; nobody sees it. */
const hurried = new Error('a heartbeat is due')

class Agent {
  readonly #world: World
  readonly #setup: AgentSetup
  readonly #state: AgentState
  readonly #guard: EpochGuard
  readonly #desk: ActionDesk
  readonly #copies: CopiesDesk
  readonly #doors: GateDoors
  readonly #watches: readonly MemberWatch[]
  readonly #probes: ProbeWatch
  readonly #boot: string
  readonly #turns = new Turns()
  readonly #stop = new AbortController()
  #executors: ReadonlySet<string>
  #sequence = 0
  #wake: (() => void) | undefined
  #isDue = false

  constructor(world: World, setup: AgentSetup, state: AgentState) {
    this.#world = world
    this.#setup = setup
    this.#state = state
    this.#guard = new EpochGuard(state)
    this.#boot = world.random.idBody(12)
    this.#executors = new Set([setup.controlPlane.subject])
    this.#watches = setup.members.map(
      (local) =>
        new MemberWatch(world, state, local, {
          everyMs: setup.heartbeatMs,
          turns: this.#turns,
          changed: () => this.#hurry(),
        }),
    )
    this.#probes = new ProbeWatch(world, setup.probe, probeTargets(setup), setup.heartbeatMs)
    this.#copies = new CopiesDesk(setup.estate, setup.copies ?? [])
    this.#doors = new GateDoors(world, state, {
      gates: setup.gates,
      turns: this.#turns,
      admitsOwnHost: (gate) => admitsOwnHost(setup.estate, gate, setup.host),
    })
    this.#desk = new ActionDesk({
      estate: setup.estate.id,
      clock: world.clock,
      actions: setup.actions,
      context: this.#context(),
      guard: this.#guard,
      turns: this.#turns,
      tickets: new Tickets(world),
    })
  }

  async setDoors(): Promise<void> {
    await this.#doors.start()
  }

  run(listener: Listener): RunningAgent {
    const { signal } = this.#stop
    signal.addEventListener('abort', () => this.#hurry())
    const loops = [
      this.#probes.run(signal),
      this.#heartbeatLoop(signal),
      ...this.#watches.map(async (watch) => watch.run(signal)),
    ]
    const done = Promise.all(loops)
    done.catch((error: unknown) => {
      this.#world.log.warn('agent-stopped', { error: error instanceof Error ? error.message : String(error) })
      this.#stop.abort()
    })
    return {
      port: listener.port,
      view: async () => this.#view(),
      ended: done.then(() => undefined),
      close: async () => {
        this.#stop.abort()
        await listener.close()
        await done.catch(() => undefined)
      },
    }
  }

  async handle(method: string, body: Json, peer: Peer): Promise<Json> {
    if (this.#copies.serves(method)) {
      if (!this.#copies.isReader(method, body, peer.subject)) this.#requireExecutor(peer)
      return await this.#copies.handle(method, body)
    }
    requirePrincipal(peer)
    if (method !== agentMethods.hello && method !== agentMethods.observe) this.#requireExecutor(peer)
    switch (method) {
      case agentMethods.hello:
        return this.#desk.hello() as unknown as Json
      case agentMethods.observe:
        return (await this.#freshView()) as unknown as Json
      case agentMethods.announce: {
        const { scope, epoch } = body as unknown as { scope: string; epoch: number }
        await this.#guard.admit(scope, epoch)
        return {}
      }
      case agentMethods.actionObserve:
        return await this.#desk.observe(body as unknown as ActionCall)
      case agentMethods.performing:
        return { performing: this.#desk.performing(body as unknown as Authority) }
      case agentMethods.actionApply:
        await this.#desk.apply(body as unknown as ActionCall)
        return {}
      default:
        throw new RecoveryError({
          code: 'METHOD_UNKNOWN',
          class: 'refused',
          message: `this agent serves no ${JSON.stringify(method.slice(0, 80))}`,
          hint: 'run `pointzero --version` on both hosts and install the same release',
        })
    }
  }

  /** Who gives orders is told by the control plane; until its first answer only the control plane itself does. */
  #requireExecutor(peer: Peer): void {
    if (this.#executors.has(peer.subject)) return
    throw notAllowed(`${peer.subject} may not give orders to an agent`)
  }

  #context(): AgentContext {
    const { members, gates, instances } = this.#setup
    const local = (component: string, member: string): LocalMember | undefined =>
      members.find((one) => one.cluster.id === component && one.member.id === member)
    return {
      world: this.#world,
      member: (component, member) => found(local(component, member)?.driver, member),
      recovery: (component, member) => found(local(component, member)?.recovery, member),
      gate: (component) => found(gates.find((gate) => gate.component === component)?.gate, component),
      instance: (component) =>
        found(instances.find((one) => one.component === component)?.instance, component),
      setDoor: async (gate, door, epoch) => this.#doors.set(gate, door, epoch),
      intend: async (member, intent, epoch) => this.#state.intend(member, intent, epoch),
      intentOf: (member) => this.#state.intentOf(member),
      copies: (component) => this.#copies.keptOf(component),
      backups: new BackupNotes(this.#world.files, this.#setup.statePath),
      recoverySource: async (component) => found(this.#setup.recovery, component).source(component),
      recoveryKey: async (component) => found(this.#setup.recovery, component).key(component),
    }
  }

  async #heartbeatLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#heartbeat(signal)
      await this.#rest(signal)
    }
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    const { clock, network, log } = this.#world
    const { controlPlane, heartbeatMs, estate, host } = this.#setup
    this.#sequence += 1
    const view = await this.#view()
    const sentMs = clock.monotonicMs()
    const beat: Heartbeat = {
      format: formats.agentWire,
      estate: estate.id,
      host,
      boot: this.#boot,
      sequence: this.#sequence,
      view,
    }
    try {
      const call = network.call(
        controlPlane.endpoint,
        controlPlaneMethods.heartbeat,
        beat as unknown as Json,
        {
          timeoutMs: Math.max(heartbeatMs * 3, 500),
          expectSubject: controlPlane.subject,
          signal,
        },
      )
      const reply = await call.catch((error: unknown) => {
        throw unanswered(error)
      })
      await this.#learn(sentMs, reply as unknown as HeartbeatReply)
    } catch (error) {
      if (error instanceof RecoveryError && error.class === 'bug') throw error
      if (!signal.aborted)
        log.warn('heartbeat-unanswered', { error: error instanceof Error ? error.message : String(error) })
    }
  }

  async #learn(sentMs: number, reply: HeartbeatReply): Promise<void> {
    for (const watch of this.#watches) {
      watch.renewed(
        sentMs,
        reply.leaders.find((news) => news.component === watch.local.cluster.id),
      )
    }
    this.#executors = new Set([this.#setup.controlPlane.subject, ...(reply.executors ?? [])])
    await this.#guard.learn(reply.epochs)
    void this.#doors.learn(reply.maintenance)
  }

  /** Until the next heartbeat is due, or something changed that the control plane should know at once. */
  async #rest(signal: AbortSignal): Promise<void> {
    const early = new AbortController()
    this.#wake = () => early.abort(hurried)
    if (!this.#isDue && !signal.aborted) await pause(this.#world, this.#setup.heartbeatMs, early.signal)
    this.#isDue = false
  }

  /** Also while a heartbeat is under way: what it reports was put together before. */
  #hurry(): void {
    this.#isDue = true
    this.#wake?.()
  }

  async #freshView(): Promise<AgentView> {
    await Promise.all(this.#watches.map(async (watch) => watch.readNow()))
    return this.#view()
  }

  async #view(): Promise<AgentView> {
    const gateViews = this.#setup.gates.map(async ({ component, gate }) => {
      const route = await gate.observe()
      const target = route.target === undefined ? '' : `${route.target.address}:${route.target.port}`
      const shut = route.shut === true ? ({ shut: true } as const) : {}
      return { component: component as `cmp_${string}`, epoch: route.epoch, target, ...shut }
    })
    const instanceViews = this.#setup.instances.map(async ({ component, instance }) => ({
      component: component as `cmp_${string}`,
      ...(await instance.observe()),
    }))
    const { copies } = this.#setup
    const underWay = this.#desk.longUnderWay()
    const [gates, instances] = await Promise.all([this.#seen(gateViews), this.#seen(instanceViews)])
    return {
      members: this.#watches.map((watch) => watch.view()),
      probes: this.#probes.views(),
      gates,
      instances,
      epochs: this.#state.epochs(),
      ...(copies === undefined ? {} : { copies: copies.map((one) => one.view()) }),
      ...(underWay.length === 0 ? {} : { underWay }),
    }
  }

  /** What can not be looked at is left out, which is unknown; it must not keep the rest from being reported, or this agent from fencing. */
  async #seen<T>(looks: readonly Promise<T>[]): Promise<readonly T[]> {
    const settled = await Promise.allSettled(looks)
    for (const look of settled) {
      if (look.status === 'rejected')
        this.#world.log.warn('not-observed', {
          error: look.reason instanceof Error ? look.reason.message : String(look.reason),
        })
    }
    return settled.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []))
  }
}

/** Members on other hosts of clusters that this agent may be asked about: every cluster's members but its own. */
function probeTargets(setup: AgentSetup): readonly ProbeTarget[] {
  const targets: ProbeTarget[] = []
  for (const component of setup.estate.components) {
    if (component.kind !== 'postgres') continue
    for (const member of component.members) {
      const host = hostNamed(setup.estate, member.host)
      if (host.id !== setup.host) targets.push({ member, address: host.address })
    }
  }
  return targets
}

/** Whatever the other side says went wrong, a bug of its own among it, is no reason for this agent to end. */
function unanswered(error: unknown): RecoveryError {
  return new RecoveryError({
    code: 'HEARTBEAT_UNANSWERED',
    class: 'transient',
    message: error instanceof Error ? error.message : String(error),
    hint: 'see the log of `pointzero serve`',
    cause: error,
  })
}

/** Only the control plane and people act on agents; another agent's certificate is not enough. */
function requirePrincipal(peer: Peer): void {
  if (!peer.subject.startsWith('prn_')) throw notAllowed(`${peer.subject} may not ask an agent for anything`)
}

function notAllowed(message: string): RecoveryError {
  return new RecoveryError({
    code: 'PEER_NOT_ALLOWED',
    class: 'refused',
    message,
    hint: 'use the certificate of a principal with the role operator, see `pointzero principal list`',
  })
}

function found<T>(value: T | undefined, id: string): T {
  if (value !== undefined) return value
  throw new RecoveryError({
    code: 'NOT_ON_THIS_HOST',
    class: 'permanent',
    message: `${id} does not live on this host`,
    hint: 'the plan is for another layout: make a new one with `pointzero plan`',
  })
}
