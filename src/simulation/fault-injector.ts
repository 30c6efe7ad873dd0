import type { Fault, FaultEffect, FaultPlace, PhaseName, ProcessKind } from './fault.ts'
import type { SimEstate } from './sim-estate.ts'
import type { SimHost } from './sim-host.ts'
import { fairWeather } from './sim-links.ts'
import type { SimProcess } from './sim-process.ts'

type Undo = () => void

/** Does to a simulated estate what the options say, and undoes it when the fault's time is over or everything is healed. */
export class FaultInjector {
  readonly #sim: SimEstate
  readonly #leaderHost: () => string
  readonly #onOperator: (command: OperatorCommand) => void
  readonly #executors: () => readonly SimProcess[]
  readonly #active = new Set<Undo>()
  #generation = 0
  readonly #recordsLeft: number[] = []

  constructor(setting: {
    readonly sim: SimEstate
    readonly leaderHost: () => string
    readonly onOperator: (command: OperatorCommand) => void
    readonly executors: () => readonly SimProcess[]
  }) {
    this.#sim = setting.sim
    this.#leaderHost = setting.leaderHost
    this.#onOperator = setting.onOperator
    this.#executors = setting.executors
  }

  /** Schedules the faults of a phase that begins now. */
  begin(phase: PhaseName, faults: readonly Fault[]): void {
    const generation = this.#generation
    for (const fault of faults) {
      if (fault.phase !== phase) continue
      this.#sim.loop.after(fault.atMs * 1000, () => {
        if (this.#generation === generation) this.#inject(fault)
      })
    }
  }

  /** From now on nothing is wrong any more, except for what the faults left behind. */
  healEverything(): void {
    this.#generation += 1
    for (const undo of this.#active) undo()
    this.#active.clear()
  }

  /** To be called with every record of a run journal that became durable. */
  recorded(): void {
    const next = this.#recordsLeft[0]
    if (next === undefined) return
    this.#recordsLeft[0] = next - 1
    if (next > 1) return
    this.#recordsLeft.shift()
    this.#sim.counters.add('killed-at-record')
    for (const process of this.#processesOf('executor', 'ctl')) process.kill()
  }

  #inject({ effect, forMs }: Fault): void {
    this.#sim.counters.add(`fault:${effect.kind}`)
    this.#sim.loop.trace(`fault ${effect.kind}`)
    const undoes = this.#start(effect)
    if (undoes.length === 0) return
    const undo = (): void => {
      if (this.#active.delete(once)) for (const one of undoes) one()
    }
    const once: Undo = () => {
      for (const one of undoes) one()
    }
    this.#active.add(once)
    this.#sim.loop.after(forMs * 1000, undo)
  }

  #start(effect: FaultEffect): readonly Undo[] {
    switch (effect.kind) {
      case 'host-crash': {
        const { name } = this.#host(effect.place)
        this.#sim.crashHost(name)
        return [() => this.#sim.restoreHost(name)]
      }
      case 'process-kill':
        for (const process of this.#processesOf(effect.process, effect.place)) process.kill()
        return []
      case 'kill-at-await': {
        const awaits = effect.awaits
        if (effect.process === 'executor') this.#sim.onExecutor = (process) => killAfter(process, awaits)
        for (const process of this.#processesOf(effect.process, 'ctl')) killAfter(process, awaits)
        return []
      }
      case 'kill-at-record':
        this.#recordsLeft.push(effect.records)
        return []
      case 'process-pause':
        return this.#processesOf(effect.process, effect.place).map((process) => this.#pause(process))
      case 'host-pause':
        return [...this.#host(effect.place).processes].map((process) => this.#pause(process))
      case 'partition':
        return this.#partition(effect.place, effect.from)
      case 'partition-one-way':
        return this.#oneWay(effect.place, effect.direction)
      case 'clock-step':
        this.#host(effect.place).wallOffsetMs += effect.byMs
        return []
      case 'disk': {
        const { disk } = this.#host(effect.place)
        disk.failAfter(effect.after, effect.count, effect.code)
        return [() => disk.heal()]
      }
      case 'weather': {
        const { weather } = this.#sim.links
        const { kind: _, ...rates } = effect
        Object.assign(weather, rates)
        return [() => Object.assign(weather, { ...fairWeather(), lateRate: weather.lateRate })]
      }
      case 'reply-lost': {
        const { repliesToLose } = this.#sim.switchboard
        repliesToLose.set(effect.method, effect.count)
        return [() => repliesToLose.delete(effect.method)]
      }
      case 'replay-pause': {
        const server = this.#sim.cluster.servers.find(({ host }) => host === this.#host(effect.place))
        if (server === undefined) return []
        server.isReplayPaused = true
        return [() => server.resumeReplay()]
      }
      case 'operator':
        this.#onOperator(effect.command)
        return []
    }
  }

  #pause(process: SimProcess): Undo {
    process.pause()
    this.#sim.links.changed()
    return () => {
      process.unpause()
      this.#sim.links.changed()
    }
  }

  #partition(place: FaultPlace, from: FaultPlace | 'everybody'): readonly Undo[] {
    const here = this.#host(place)
    const others = from === 'everybody' ? this.#sim.hosts : [this.#host(from)]
    return others.flatMap((other) => (other === here ? [] : [this.#cut(here, other), this.#cut(other, here)]))
  }

  #oneWay(place: FaultPlace, direction: 'out' | 'in'): readonly Undo[] {
    const here = this.#host(place)
    const others = this.#sim.hosts.filter((other) => other !== here)
    return others.map((other) => (direction === 'out' ? this.#cut(here, other) : this.#cut(other, here)))
  }

  #cut(from: SimHost, to: SimHost): Undo {
    this.#sim.links.cut(from, to)
    return () => this.#sim.links.heal(from, to)
  }

  #host(place: FaultPlace): SimHost {
    const leader = this.#leaderHost()
    if (place === 'leader-zone') return this.#sim.host(leader)
    if (place !== 'standby-zone') return this.#sim.host(place)
    const standby = this.#sim.cluster.servers.find(({ host }) => host.name !== leader)
    return standby?.host ?? this.#sim.host('az2')
  }

  #processesOf(kind: ProcessKind, place: FaultPlace): readonly SimProcess[] {
    const host = this.#host(place)
    const found =
      kind === 'executor'
        ? this.#executors()
        : [
            kind === 'postgres'
              ? this.#sim.cluster.servers.find((server) => server.host === host)?.process
              : this.#sim.process(kind === 'agent' ? `agent ${host.name}` : 'control-plane'),
          ]
    return found.filter((process) => process !== undefined)
  }
}

function killAfter(process: SimProcess, awaits: number): void {
  process.killAtResumption = process.resumptions + awaits
}

export type OperatorCommand = 'pause' | 'continue' | 'cancel' | 'resume' | 'run-again'
