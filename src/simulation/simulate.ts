import { signStandingApproval } from '../engine/approval-signature.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { digest } from '../engine/digest.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { scopeOf } from '../estate/estate-lookup.ts'
import { archiveHoldsAll } from '../estate/published-rule.ts'
import { placeAdopted, readAdopted } from './adopted-estate.ts'
import type { AdoptedEstate } from './adopted-estate.ts'
import { Counters } from './counters.ts'
import { Director } from './director.ts'
import { InvariantBroken } from './invariants.ts'
import { SimClient } from './sim-client.ts'
import { SimEstate } from './sim-estate.ts'
import { SimRandom } from './sim-random.ts'
import { simSigner } from './sim-signer.ts'
import { expandOptions } from './simulation-options.ts'
import type { SimulationOptions } from './simulation-options.ts'
import type { PhaseName } from './fault.ts'
import { lsnText } from './wal-record.ts'
import { capturedProtection, scheduledProtection, simulatedEstate } from './simulated-estate.ts'

export interface SeedResult {
  readonly seed: number
  /** Everything that was chosen: simulating them again gives the same result. */
  readonly options: SimulationOptions
  readonly traceHash: string
  readonly events: number
  readonly virtualMs: number
  readonly counters: Readonly<Record<string, number>>
  readonly failure?: SeedFailure
}

export interface SeedFailure {
  readonly invariant: string
  readonly message: string
  readonly atMs: number
  /** The latest log lines before it. */
  readonly log: readonly string[]
}

/** Log lines of a failure. */
const logLines = 2000

/** As many records back, at most, lies the place that a recovery goes to. */
const goalBackMax = 6

const usualSettleMs = 180_000

/**
 * One life of an estate: a disaster and a planned switch, in some lives an adoption before them, each under its faults, each followed by a
 * healing.
 */
export async function simulateSeed(
  seed: number,
  given: Partial<SimulationOptions> = {},
): Promise<SeedResult> {
  const options = expandOptions(seed, given)
  const simulation = new Simulation(seed, options)
  return simulation.toEnd()
}

const needsCopies = (phase: PhaseName): boolean =>
  ['corruption', 'component-loss', 'verification', 'scheduled'].includes(phase)

/** What is kept depends on its key alone and is never changed: one life can not tell what was lived before it. */
const adoptedEstates = new Map<string, Promise<AdoptedEstate>>()

/** What a calm adoption leaves, an hour before the life that begins with it. */
async function adoptedEstate({ detectMs, fenceMs }: SimulationOptions): Promise<AdoptedEstate> {
  const key = `${detectMs}/${fenceMs}`
  const known = adoptedEstates.get(key)
  if (known !== undefined) return await known
  const simulation = new Simulation(0, {
    phases: ['adoption'],
    faults: [],
    detectMs,
    fenceMs,
    heartbeatMs: 400,
    tickMs: 400,
    lateRate: 0,
    clients: { everyUs: 500_000, cancelRate: 0 },
  })
  for (const host of simulation.sim.hosts) host.wallOffsetMs -= 3_600_000
  const adopted = simulation.adopt()
  adoptedEstates.set(key, adopted)
  return await adopted
}

export class Simulation {
  readonly sim: SimEstate
  readonly director: Director
  readonly counters = new Counters()
  readonly #seed: number
  readonly #options: SimulationOptions
  readonly #random: SimRandom
  readonly #clients: SimClient[] = []

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed
    this.#options = options
    this.#random = new SimRandom(seed)
    const { detectMs, fenceMs, heartbeatMs, tickMs, schedule, capture } = options
    const scheduled = schedule && scheduledProtection(schedule.backupMs, schedule.verificationMs)
    const declared = capture === undefined ? scheduled : capturedProtection
    const estate = simulatedEstate({ detectMs, fenceMs, ...capture }, declared)
    this.sim = new SimEstate(
      this.#random,
      estate,
      { heartbeatMs, tickMs, keepsWal: options.phases.some(needsCopies) || capture !== undefined },
      this.counters,
    )
    this.sim.cluster.initialise()
    this.sim.links.weather.lateRate = options.lateRate
    this.director = new Director(this.sim)
    this.#giveStandingApprovals()
  }

  #settledByUs(): number {
    return this.sim.loop.nowUs + (this.#options.settleMs ?? usualSettleMs) * 1_000
  }

  /** To where everything is whole after the adoption. */
  async adopt(): Promise<AdoptedEstate> {
    this.sim.startAll()
    await this.#phase('adoption')
    return readAdopted(this.sim)
  }

  async toEnd(): Promise<SeedResult> {
    try {
      if (!this.#options.phases.includes('adoption')) {
        placeAdopted(this.sim, await adoptedEstate(this.#options))
        this.#startClients()
      }
      this.sim.startAll()
      for (const phase of this.#options.phases) await this.#phase(phase)
      for (const client of this.#clients) client.stop()
      await this.#during(1_600_000)
      this.#judge()
    } catch (error) {
      this.sim.fail(error)
    }
    return this.#result()
  }

  async #phase(phase: PhaseName): Promise<void> {
    const { loop } = this.sim
    const { faults } = this.#options
    const beginsAdopted = !this.#options.phases.includes('adoption')
    await this.#during(beginsAdopted && loop.nowUs > 0 ? 300_000 : 800_000)
    if (needsCopies(phase)) await this.#run(() => this.#isCopied(), this.#settledByUs())
    if (phase === 'component-loss') {
      this.sim.cluster.destroyData()
      // What was received is durable or lost by then: the archive has an end.
      await this.#during(400_000)
    }
    this.#want(phase)
    this.director.injector.begin(phase, faults)
    const endsMs = Math.max(
      1000,
      ...faults.filter((fault) => fault.phase === phase).map(({ atMs, forMs }) => atMs + forMs),
    )
    await this.#during(Math.min(endsMs, 10_000) * 1000)
    this.director.injector.healEverything()
    this.sim.links.changed()
    const healedUs = loop.nowUs
    const why = (): string => {
      if (!this.director.isGoalReached) return `${phase} is not done`
      return this.director.reading.unsettled() || this.#unserved(healedUs)
    }
    try {
      await this.#run(() => why() === '', this.#settledByUs())
    } catch (error) {
      if (this.sim.failure === undefined)
        throw new InvariantBroken('liveness', `${phase}: ${String(error)}; ${why()}`)
    }
    if (phase === 'adoption') this.#startClients()
  }

  #want(phase: PhaseName): void {
    const { reading } = this.director
    if (phase === 'adoption') {
      this.director.want({ procedure: 'adoption', parameters: {} }, () => reading.leader !== undefined)
    } else if (phase === 'switchover') {
      const before = reading.leader?.member
      this.director.want({ procedure: 'switchover', parameters: {} }, () => reading.leader?.member !== before)
    } else if (phase === 'backup') {
      const before = this.sim.vault.snapshots.length
      this.director.want(
        { procedure: 'backup', parameters: {} },
        () => this.sim.vault.snapshots.length > before,
      )
    } else if (phase === 'capture-on' || phase === 'capture-off') {
      const isOn = phase === 'capture-on'
      this.director.want(
        { procedure: 'synchronous-capture', parameters: { switch: isOn ? 'on' : 'off' } },
        () => reading.leader?.publishedSync.includes('wal') === isOn,
      )
    } else if (phase === 'maintenance-on' || phase === 'maintenance-off') {
      const isOn = phase === 'maintenance-on'
      const parameters = isOn ? { switch: 'on', drain: 'PT1S' } : { switch: 'off' }
      this.director.want(
        { procedure: 'maintenance', parameters },
        () => (reading.maintenance?.on ?? false) === isOn,
      )
    } else if (phase === 'verification') {
      const { receipts } = this.sim.vault
      const before = receipts.length
      this.director.want({ procedure: 'backup-verification', parameters: {} }, () => receipts.length > before)
    } else if (phase === 'scheduled') {
      const { snapshots, receipts } = this.sim.vault
      const before = { snapshots: snapshots.length, receipts: receipts.length }
      this.director.wait(() => snapshots.length >= before.snapshots + 3 && receipts.length > before.receipts)
    } else if (phase === 'corruption') {
      const before = this.counters.of('recoveries')
      this.director.want(
        { procedure: 'point-in-time-recovery', parameters: this.#goal() },
        () => this.counters.of('recoveries') > before,
      )
    } else if (phase === 'component-loss') {
      const before = this.counters.of('restores')
      const back = this.#random.chance(0.3) ? this.#random.between(1, goalBackMax) : 0
      const says = this.#random.chance(0.5)
      this.director.wantNow(
        () => ({ procedure: 'component-restore', parameters: this.#lastGoal(back, says) }),
        () => this.counters.of('restores') > before,
      )
    }
  }

  /** There is a base backup from which any place that may be wanted is reached. */
  #isCopied(): boolean {
    const place = this.director.reading.leadingServer?.wal.at(-1 - goalBackMax)
    return place !== undefined && this.sim.keptWal?.snapshotBefore(place) !== undefined
  }

  /** Some commits back from where the leader is now: they are what was destroyed. */
  #goal(): Readonly<Record<string, string>> {
    const leading = this.director.reading.leadingServer
    const wal = leading?.wal ?? []
    const place = wal[Math.max(0, wal.length - 1 - this.#random.between(1, goalBackMax))]
    const snapshot = place === undefined ? undefined : this.sim.keptWal?.snapshotBefore(place)
    if (place === undefined || snapshot === undefined)
      throw new InvariantBroken('liveness', 'nothing is in the vault when data is destroyed')
    const lsn = lsnText(place.lsn)
    const timeline = String(place.timeline)
    return { target: `lsn:${lsn}`, lsn, inclusive: 'no', timeline, snapshot: snapshot.id, reached: lsn }
  }

  /** Where the archive ends, or some records before that; who orders it may say who has lost everything. */
  #lastGoal(back: number, says: boolean): Readonly<Record<string, string>> {
    const { keptWal, cluster } = this.sim
    let place = keptWal?.end
    for (let steps = 0; steps < back; steps += 1) place = place?.previous ?? place
    const snapshot = place === undefined ? undefined : keptWal?.snapshotBefore(place)
    if (place === undefined || snapshot === undefined)
      throw new InvariantBroken('liveness', 'nothing is in the vault when all data are gone')
    const lsn = lsnText(place.lsn)
    const { leader } = this.director.reading
    const isLossless = leader !== undefined && archiveHoldsAll(cluster.component, leader)
    this.counters.add(isLossless ? 'restores-without-loss' : 'restores-with-loss')
    const empty = cluster.servers.filter(({ directory }) => directory.systemIdentifier === '')
    return {
      target: back === 0 ? 'end' : `lsn:${lsn}`,
      lsn,
      inclusive: back === 0 ? 'yes' : 'no',
      timeline: String(place.timeline),
      snapshot: snapshot.id,
      reached: lsn,
      ...(isLossless ? {} : { 'accept-loss': 'yes' }),
      ...(says && empty.length > 0 ? { lost: empty.map(({ name }) => name).join(',') } : {}),
    }
  }

  /** A client got an answer after the healing; in maintenance every gate keeps clients out. */
  #unserved(sinceUs: number): string {
    if (this.#clients.length === 0) return ''
    if (this.director.reading.maintenance?.on === true) {
      const open = this.sim.gates.filter(({ door }) => !door.shut).map(({ component }) => component)
      return open.length === 0 ? '' : `it is maintenance and ${open.join(', ')} let clients in`
    }
    const served = this.sim.cluster.history.entries.some(
      ({ result, invokedUs, client }) =>
        result === 'acknowledged' && invokedUs >= sinceUs && client.startsWith('gate'),
    )
    return served ? '' : 'no client write was acknowledged'
  }

  async #during(durationUs: number): Promise<void> {
    const { loop } = this.sim
    const untilUs = loop.nowUs + durationUs
    await this.#run(() => loop.nowUs >= untilUs, untilUs + 60_000_000)
  }

  /** `done` is asked a few times a second only: it may be expensive. */
  async #run(done: () => boolean, limitUs: number): Promise<void> {
    const { loop } = this.sim
    let askUs = loop.nowUs
    const isOver = (): boolean => {
      if (this.sim.failure !== undefined) return true
      if (loop.nowUs < askUs) return false
      askUs = loop.nowUs + 200_000
      return done()
    }
    await loop.run(isOver, limitUs)
    if (this.sim.failure !== undefined) throw this.sim.failure
  }

  #startClients(): void {
    const { loop, links, cluster, gates } = this.sim
    const setting = {
      loop,
      links,
      random: this.#random.fork('clients'),
      servers: cluster.servers,
      history: cluster.history,
    }
    const { everyUs, cancelRate } = this.#options.clients
    const gate = gates.find(({ component }) => component === 'cmp_dbgate')
    const form = { everyUs, timeoutUs: 1_500_000, cancelRate }
    for (const name of ['gate-1', 'gate-2']) {
      if (gate !== undefined)
        this.#clients.push(new SimClient(setting, { ...form, name, host: this.sim.host('client'), gate }))
    }
    for (const directTo of cluster.servers) {
      this.#clients.push(
        new SimClient(setting, { ...form, name: `zone-${directTo.name}`, host: directTo.host, directTo }),
      )
    }
  }

  #judge(): void {
    const leader = this.director.reading.leadingServer
    if (leader === undefined) throw new InvariantBroken('liveness', 'nobody leads at the end')
    this.sim.cluster.invariants.nothingLost(leader)
    for (const { result } of this.sim.cluster.history.entries) this.counters.add(`write:${result}`)
  }

  #giveStandingApprovals(): void {
    const { estate, cluster, durable } = this.sim
    const scope = scopeOf(cluster.component)
    const signer = simSigner('prn_approver')
    const nowMs = this.sim.host('ctl').wallMs()
    for (const procedure of ['zone-failover', 'reprotect']) {
      const fields = { estate: estate.id, procedure, scope, policyDigest: digest(cluster.component.policy) }
      const approval = signStandingApproval(
        {
          ...fields,
          issuedAtMs: nowMs - 86_400_000,
          expiresAtMs: nowMs + 86_400_000,
          nonce: `standing${procedure}`,
        },
        signer,
      )
      const put = [
        {
          key: storeKeys(estate.id).standing(procedure, scope),
          value: canonicalJson(approval as unknown as Json),
        },
      ]
      durable.apply({ compare: [], put })
    }
  }

  #result(): SeedResult {
    const { loop, failure } = this.sim
    const { traceHash, events } = loop
    const base = {
      seed: this.#seed,
      options: this.#options,
      traceHash,
      events,
      virtualMs: Math.round(loop.nowUs / 1000),
    }
    const counters = this.counters.toRecord()
    if (failure === undefined) return { ...base, counters }
    const invariant = failure instanceof InvariantBroken ? failure.invariant : 'no bug'
    const message = failure instanceof InvariantBroken ? failure.message : (failure.stack ?? failure.message)
    return {
      ...base,
      counters,
      failure: { invariant, message, atMs: base.virtualMs, log: this.sim.lines.slice(-logLines) },
    }
  }
}
