import type { LeaderRecord } from '../domain/leader-record.ts'
import type { MaintenanceRecord } from '../domain/maintenance-record.ts'
import { copiesScope, maintenanceScope, scopeOf } from '../estate/estate-lookup.ts'
import type { RunHead } from '../engine/run-record.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { StoreKeys } from '../engine/store-keys.ts'
import { addressText } from './sim-gate.ts'
import type { SimEstate } from './sim-estate.ts'
import type { SimPostgres } from './sim-postgres.ts'

/** The truth about a simulated estate, read past every process. For the director and the judge of a simulation only. */
export class EstateReading {
  readonly #sim: SimEstate
  readonly #keys: StoreKeys
  readonly #known = new Map<string, { readonly revision: number; readonly value: unknown }>()

  constructor(sim: SimEstate) {
    this.#sim = sim
    this.#keys = storeKeys(sim.estate.id)
  }

  get leader(): LeaderRecord | undefined {
    return this.#parsed<LeaderRecord>(this.#keys.leader(this.#sim.cluster.component.id))
  }

  get leadingServer(): SimPostgres | undefined {
    const { leader } = this
    return leader === undefined ? undefined : this.#sim.cluster.server(leader.member)
  }

  get maintenance(): MaintenanceRecord | undefined {
    return this.#parsed<MaintenanceRecord>(this.#keys.maintenance)
  }

  /** A run is about to close the gates, to open them, or to undo either. */
  get isSwitchingMaintenance(): boolean {
    return this.#openOn(maintenanceScope(this.#sim.estate)) !== ''
  }

  /** '' when no run is open, neither on the cluster nor on its copies nor on its doors. */
  get openRun(): string {
    const { component } = this.#sim.cluster
    const scopes = [scopeOf(component), copiesScope(component), maintenanceScope(this.#sim.estate)]
    return scopes.map((scope) => this.#openOn(scope)).find((run) => run !== '') ?? ''
  }

  #openOn(scope: string): string {
    return this.#parsed<{ readonly run: string }>(this.#keys.open(scope))?.run ?? ''
  }

  head(run: string): (RunHead & { readonly revision: number }) | undefined {
    const key = this.#keys.runHead(run)
    const entry = this.#sim.durable.entries.get(key)
    return entry === undefined
      ? undefined
      : { ...(JSON.parse(entry.value) as RunHead), revision: entry.revision }
  }

  requesterOf(run: string): string {
    const record = this.#parsed<{ readonly event: { readonly requestedBy: string } }>(
      this.#keys.runRecord(run, 0),
    )
    return record?.event.requestedBy ?? ''
  }

  /** What keeps the estate from being whole, '' when nothing does. */
  unsettled(): string {
    const { leader, leadingServer } = this
    if (leader === undefined || leadingServer === undefined) return 'no leader record'
    if (this.openRun !== '') return `${this.openRun} is open`
    if (leadingServer.mode !== 'primary') return `${leadingServer.name} leads and is ${leadingServer.mode}`
    if (leadingServer.refusesWrites) return `${leadingServer.name} leads and refuses writes`
    const others = this.#sim.cluster.servers.filter((server) => server !== leadingServer)
    const loaded = [...leadingServer.loadedSync.names].sort().join()
    if (loaded !== leader.publishedSync.join())
      return `published ${leader.publishedSync.join()}, loaded ${loaded}`
    for (const other of others) {
      if (other.receiver?.upstream !== leadingServer)
        return `${other.name} does not stream from ${leadingServer.name}`
      if (!leader.publishedSync.includes(other.name)) return `${other.name} may not acknowledge`
      if (other.wal[leadingServer.wal.length - 3] !== leadingServer.wal.at(-3))
        return `${other.name} is behind or diverged`
    }
    return this.#servedBadly(leadingServer)
  }

  /** A gate leads nowhere, or where it should. */
  #servedBadly(leading: SimPostgres): string {
    const target = `${leading.host.address}:${leading.port}`
    for (const gate of this.#sim.gates) {
      const found = addressText(gate.route.target)
      const isDatabase = gate.component === 'cmp_dbgate'
      const wanted = isDatabase ? target : `${leading.host.address}:8080`
      if (found !== wanted) return `${gate.component} leads to ${found || 'nowhere'}, not to ${wanted}`
    }
    const running = this.#sim.instances.filter(({ process }) => process !== undefined)
    const ready = running.find(({ isReady, host }) => isReady && host === leading.host)
    if (ready === undefined) return `no instance is ready beside ${leading.name}`
    return ''
  }

  /** Asked for often, changed rarely. */
  #parsed<T>(key: string): T | undefined {
    const entry = this.#sim.durable.entries.get(key)
    if (entry === undefined) return undefined
    const known = this.#known.get(key)
    if (known?.revision === entry.revision) return known.value as T
    const value = JSON.parse(entry.value) as T
    this.#known.set(key, { revision: entry.revision, value })
    return value
  }
}
