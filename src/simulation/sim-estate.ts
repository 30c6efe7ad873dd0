import { agentActions } from '../actions/agent-actions.ts'
import { startAgent } from '../agent/agent.ts'
import type { AgentSetup } from '../agent/agent-setup.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Principal } from '../engine/approval.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { hostNamed } from '../estate/estate-lookup.ts'
import { keepersOf } from '../estate/keepers.ts'
import { synchronousCaptures } from '../estate/published-rule.ts'
import type { Component, Estate, Host, PostgresComponent } from '../estate/estate.ts'
import { timetable } from '../estate/timetable.ts'
import type { World } from '../ports/world.ts'
import { startControlPlane } from '../server/control-plane.ts'
import type { Patience } from '../watch/automatic-decision.ts'
import { Cluster } from './sim-cluster.ts'
import type { Counters } from './counters.ts'
import { EventLoop } from './event-loop.ts'
import { InvariantBroken } from './invariants.ts'
import { SimCopies } from './sim-copies.ts'
import type { SimVault } from './sim-copies.ts'
import { SimControlStore } from './sim-control-store.ts'
import { DurableStore } from './sim-control-store.ts'
import { SimDatabaseMember } from './sim-database-member.ts'
import { SimDatabaseRecovery } from './sim-database-recovery.ts'
import { SimGate, SimGateDriver, addressText } from './sim-gate.ts'
import { SimHost } from './sim-host.ts'
import { SimInstance, SimInstanceDriver } from './sim-instance.ts'
import { SimLinks } from './sim-links.ts'
import { SimSwitchboard } from './sim-network.ts'
import { SimProbe } from './sim-probe.ts'
import { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import { publicKeyOf, simVerifier } from './sim-signer.ts'
import { simWorld } from './sim-world.ts'
import type { LogFields } from './sim-world.ts'
import { SimKeptWal } from './sim-kept-wal.ts'
import { MaintenanceInvariants } from './maintenance-invariants.ts'
import { StoreInvariants } from './store-invariants.ts'

export const controlPlaneSubject = 'prn_control'
export const people = ['prn_operator', 'prn_approver'] as const

const principals: readonly Principal[] = [controlPlaneSubject, ...people].map((id) => ({
  id: id as Principal['id'],
  name: id.slice(4),
  publicKey: publicKeyOf(id),
  roles: id === controlPlaneSubject ? ['control-plane'] : ['operator', 'approver'],
}))

/** Log lines that a failure can show. */
const linesKept = 2000

/** Below the usual, as the faults are shorter than those of the real world. */
const impatience: Patience = { displacedMs: 1500, silentStandbyMs: 6000 }

/** Time that a supervisor takes to start a dead process again. */
const restartUs = 300_000

export interface EstateTimes {
  readonly heartbeatMs: number
  readonly tickMs: number
  /** Something is to be recovered to a point in time. */
  readonly keepsWal?: boolean
}

/**
 * One simulated estate: hosts with their clocks, disks and processes; the real agents and control plane on them; a modelled PostgreSQL
 * cluster, gates and application instances beside them. Anything can be killed, stopped, cut off and started again.
 */
export class SimEstate {
  readonly loop: EventLoop
  readonly random: SimRandom
  readonly estate: Estate
  readonly cluster: Cluster
  readonly links: SimLinks
  readonly switchboard: SimSwitchboard
  readonly durable = new DurableStore()
  /** Base backups that were finished. */
  readonly vault: SimVault
  readonly storeInvariants: StoreInvariants
  readonly counters: Counters
  readonly gates: readonly SimGate[]
  readonly instances: readonly SimInstance[]
  /** WAL and base backups, in a simulation that asks for them. */
  readonly keptWal: SimKeptWal | undefined
  /** Told of the next process that begins to execute a run; then forgotten. */
  onExecutor: ((process: SimProcess) => void) | undefined
  /** Told of every record of a run journal, right after it became durable. */
  onRecord: () => void = () => {}
  /** The first thing that must not happen and did. */
  failure: Error | undefined
  /** The latest log lines, for whoever reads a failure. */
  readonly lines: string[] = []
  readonly #hosts = new Map<string, SimHost>()
  readonly #processes = new Map<string, SimProcess>()
  readonly #times: EstateTimes
  #boots = 0
  #leaderKey: string | undefined
  #leader: { readonly revision: number; readonly record: LeaderRecord } | undefined

  constructor(random: SimRandom, estate: Estate, times: EstateTimes, counters: Counters) {
    this.random = random
    this.estate = estate
    this.counters = counters
    this.storeInvariants = new StoreInvariants(counters)
    this.#times = times
    this.loop = new EventLoop(random)
    this.links = new SimLinks(this.loop, random)
    this.switchboard = new SimSwitchboard(this.loop, this.links)
    for (const place of estate.hosts) {
      const host = new SimHost(this.loop, random, place)
      this.#hosts.set(place.name, host)
      this.links.add(host)
    }
    this.vault = { component: 'cmp_ledger', snapshots: [], receipts: [] }
    this.cluster = new Cluster({
      loop: this.loop,
      links: this.links,
      random,
      counters,
      component: estate.components.find(
        (component): component is PostgresComponent => component.kind === 'postgres',
      ),
      hostNamed: (name) => this.host(name),
      broken: (error) => this.fail(error),
      leader: () => this.#leaderRecord(),
      keptWal: () => this.keptWal,
      derailed: (standby, upstream) => {
        this.counters.add('streamed-over-a-divergence')
        this.lines.push(
          `${(this.loop.nowUs / 1e6).toFixed(3)} ${standby} streams over a divergence from ${upstream}`,
        )
      },
    })
    this.gates = this.#placed('gate', (component, host) => new SimGate(component.id, host))
    this.instances = this.#placed('compute', (component, host) => new SimInstance(component.id, host))
    if (times.keepsWal === true) this.keptWal = this.#keepWal()
    this.#watchInvariants()
  }

  host(name: string): SimHost {
    const host = this.#hosts.get(name)
    if (host === undefined) throw new Error(`no host ${name}`)
    return host
  }

  get hosts(): readonly SimHost[] {
    return [...this.#hosts.values()]
  }

  process(name: string): SimProcess | undefined {
    const process = this.#processes.get(name)
    return process?.isAlive === true ? process : undefined
  }

  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error))
  }

  /** Every agent and the control plane. */
  startAll(): void {
    for (const { name } of this.estate.hosts) this.startHost(name)
  }

  startHost(name: string): void {
    if (name === this.estate.controlPlane.host)
      this.#supervise('control-plane', name, async (world, process) => this.#runControlPlane(world, process))
    else
      this.#supervise(`agent ${name}`, name, async (world, process) =>
        this.#runAgent(world, process, hostNamed(this.estate, name)),
      )
  }

  /** Power is back: supervisors start what belongs there. */
  restoreHost(name: string): void {
    const host = this.host(name)
    if (host.isUp) return
    host.isUp = true
    this.links.changed()
    this.loop.after(restartUs, () => this.startHost(name))
  }

  crashHost(name: string): void {
    this.loop.trace(`crash ${name}`)
    this.host(name).crash()
    this.links.changed()
  }

  /** A process of its own kind: a command that a person runs. */
  spawn(
    name: string,
    hostName: string,
    subject: string,
  ): { readonly process: SimProcess; readonly world: World } {
    const process = new SimProcess(this.loop, this.host(hostName), name)
    this.#boots += 1
    this.#processes.set(name, process)
    return { process, world: simWorld(this.#worldSetting(), process, subject, this.#boots) }
  }

  probe(process: SimProcess): SimProbe {
    return new SimProbe(this.loop, this.links, process, this.cluster.servers)
  }

  note(process: SimProcess, event: string, fields: LogFields): void {
    const reason = fields['start'] ?? fields['code'] ?? fields['method'] ?? fields['reason'] ?? ''
    this.counters.add(reason === '' ? `log:${event}` : `log:${event}:${String(reason).slice(0, 40)}`)
    if (event === 'judgement-failed' && fields['class'] === 'bug') {
      this.fail(
        new InvariantBroken('no judgement fails of a bug', `${process.name}: ${String(fields['error'])}`),
      )
    }
    if (event === 'agent-stopped' || event === 'control-plane-stopped') {
      this.fail(
        new InvariantBroken('no process stops by itself', `${process.name}: ${String(fields['error'])}`),
      )
    }
    if (this.lines.length >= linesKept) this.lines.shift()
    const detail = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
    this.lines.push(`${(this.loop.nowUs / 1e6).toFixed(3)} ${process.name}: ${event} ${detail.join(' ')}`)
  }

  #supervise(
    name: string,
    hostName: string,
    main: (world: World, process: SimProcess) => Promise<void>,
  ): void {
    const host = this.host(hostName)
    if (!host.isUp || this.process(name) !== undefined) return
    const subject = name === 'control-plane' ? controlPlaneSubject : hostNamed(this.estate, hostName).id
    const { process, world } = this.spawn(name, hostName, subject)
    process.onExit(() => {
      this.note(process, 'died', {})
      for (const gate of this.gates) if (gate.host === host && name !== 'control-plane') gate.forget()
      if (host.isUp) this.loop.after(restartUs, () => this.#supervise(name, hostName, main))
    })
    main(world, process).catch((error: unknown) => {
      const isBug = !(error instanceof RecoveryError) || error.class === 'bug'
      this.note(process, 'exited', {
        code: error instanceof RecoveryError ? error.code : 'BUG',
        error: String(error),
      })
      if (isBug) this.fail(error)
      process.kill()
    })
  }

  async #runAgent(world: World, process: SimProcess, host: Host): Promise<void> {
    const agent = await startAgent(world, this.#agentSetup(process, host))
    await agent.ended
  }

  async #runControlPlane(world: World, process: SimProcess): Promise<void> {
    const { host, port } = this.estate.controlPlane
    const plane = await startControlPlane(world, {
      estate: this.estate,
      subject: controlPlaneSubject,
      listen: { address: this.host(host).address, port },
      store: new SimControlStore(this.loop, process, this.random.fork(`store ${process.name}`), this.durable),
      probe: this.probe(process),
      verifier: simVerifier,
      principals,
      tickMs: this.#times.tickMs,
      patience: impatience,
      retryAfterMs: 2000,
    })
    await plane.ended
  }

  #agentSetup(process: SimProcess, host: Host): AgentSetup {
    const { controlPlane } = this.estate
    const drivers = this.random.fork(`drivers ${process.name}`)
    return {
      estate: this.estate,
      host: host.id,
      listen: { address: host.address, port: host.agentPort },
      controlPlane: {
        endpoint: { address: this.host(controlPlane.host).address, port: controlPlane.port },
        subject: controlPlaneSubject,
      },
      statePath: '/var/lib/pointzero/agent-state.json',
      heartbeatMs: this.#times.heartbeatMs,
      members: this.cluster.membersOn(host.name).map(({ member, server }) => ({
        cluster: this.cluster.component,
        member,
        driver: new SimDatabaseMember(this.cluster.driverSetting, process, server),
        recovery: new SimDatabaseRecovery(this.cluster.recoverySetting, process, server),
      })),
      gates: this.gates
        .filter((gate) => gate.host.name === host.name)
        .map((gate) => ({
          component: gate.component,
          gate: new SimGateDriver(this.loop, process, drivers, gate),
        })),
      instances: this.instances
        .filter((instance) => instance.host.name === host.name)
        .map((instance) => ({
          component: instance.component,
          instance: new SimInstanceDriver(this.loop, process, drivers, instance),
        })),
      probe: this.probe(process),
      actions: agentActions,
      ...this.#copiesOn(process, host),
    }
  }

  #copiesOn(process: SimProcess, host: Host): Pick<AgentSetup, 'copies'> {
    if (keepersOf(this.estate, this.cluster.component).vault?.id !== host.id) return {}
    const { loop, vault, keptWal } = this
    const random = this.random.fork(`copies ${process.name}`)
    const primaries = () => this.cluster.servers.filter(({ mode }) => mode === 'primary')
    return { copies: [new SimCopies({ loop, process, random, vault, keptWal, primaries })] }
  }

  /** Parsed once per change: it is asked for at every acknowledgement. */
  #leaderRecord(): LeaderRecord | undefined {
    this.#leaderKey ??= storeKeys(this.estate.id).leader(this.cluster.component.id)
    const entry = this.durable.entries.get(this.#leaderKey)
    if (entry === undefined) return undefined
    if (this.#leader?.revision !== entry.revision) {
      this.#leader = { revision: entry.revision, record: JSON.parse(entry.value) as LeaderRecord }
    }
    return this.#leader?.record
  }

  #worldSetting() {
    const { loop, random, switchboard } = this
    return {
      loop,
      random,
      switchboard,
      log: (process: SimProcess, event: string, fields: LogFields) => this.note(process, event, fields),
    }
  }

  #placed<T>(kind: 'gate' | 'compute', make: (component: Component, host: SimHost) => T): readonly T[] {
    return this.estate.components.flatMap((component) => {
      if (component.kind !== kind) return []
      const places =
        component.kind === 'gate'
          ? component.listeners
          : component.kind === 'compute'
            ? component.instances
            : []
      return places.map(({ host }) => make(component, this.host(host)))
    })
  }

  #keepWal(): SimKeptWal {
    const { loop, links, counters } = this
    const { servers } = this.cluster
    const host = this.host('client')
    const takesBases = !timetable(this.estate).entries.some(({ start }) => start === 'automatic')
    const random = this.random.fork('kept WAL')
    const [capture] = synchronousCaptures(this.cluster.component)
    const named = capture === undefined ? {} : { applicationName: capture.name }
    return new SimKeptWal({ loop, links, counters, host, servers, takesBases, random, ...named })
  }

  #watchInvariants(): void {
    const guarded = (check: () => void): void => {
      try {
        check()
      } catch (error) {
        this.fail(error)
      }
    }
    this.durable.onPut = (entry, before) => {
      guarded(() => this.storeInvariants.put(entry, before))
      if (entry.key.includes('/records/')) this.onRecord()
    }
    this.switchboard.onReplyLost = ({ method, body }) => {
      this.counters.add(`reply-lost:${method}`)
      if (method.endsWith('/transact') && JSON.stringify(body).includes('/leaders/'))
        this.counters.add('reply-lost:claim')
    }
    this.switchboard.onLate = () => this.counters.add('request-came-late')
    this.switchboard.onBug = (error) =>
      this.fail(new InvariantBroken('no bug', `${error.code}: ${error.message}`))
    this.switchboard.onCall = (call) => {
      guarded(() => this.storeInvariants.called(call))
      return (ok, code) => guarded(() => this.storeInvariants.answered(call, ok, code))
    }
    const maintenance = new MaintenanceInvariants(this)
    for (const gate of this.gates) {
      gate.onDoor = (door) => guarded(() => maintenance.doorSet(gate, door))
      gate.onSession = () => guarded(() => maintenance.entered(gate))
      gate.onRoute = (before, after) => {
        const target = addressText(after.target)
        const server = this.cluster.servers.find(({ host, port }) => `${host.address}:${port}` === target)
        if (server !== undefined) guarded(() => this.cluster.invariants.ledTo(server))
        if (after.epoch < before.epoch) {
          this.fail(
            new InvariantBroken(
              'epochs never decrease',
              `gate on ${gate.host.name}: ${before.epoch} to ${after.epoch}`,
            ),
          )
        }
      }
    }
  }
}
