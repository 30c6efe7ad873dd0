import { canonicalJson, type Json } from '../domain/canonical-json.ts'
import type { Facts } from '../domain/facts.ts'
import { formats, requireFormat } from '../domain/format.ts'
import type { LeaderRecord } from '../domain/leader-record.ts'
import { maintenanceNews } from '../domain/maintenance-record.ts'
import { productVersion } from '../domain/product-version.ts'
import { RecoveryError, toErrorRecord } from '../domain/recovery-error.ts'
import { readLeader } from '../actions/leader-store.ts'
import { readMaintenance } from '../actions/maintenance-store.ts'
import { requireEstate } from '../agent/action-desk.ts'
import { pause, ProbeWatch } from '../agent/probe-watch.ts'
import {
  controlPlaneMethods,
  type Heartbeat,
  type HeartbeatReply,
  type Hello,
  type LeaderNews,
} from '../agent/wire.ts'
import { digest } from '../engine/digest.ts'
import { readEpoch } from '../engine/epoch.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { clusters, hostNamed, scopeOf } from '../estate/estate-lookup.ts'
import type { Listener, Peer } from '../ports/network.ts'
import type { World } from '../ports/world.ts'
import { factsFromViews } from '../watch/facts-from-views.ts'
import { ViewBoard } from '../watch/view-board.ts'
import { AutomaticRuns } from './automatic-runs.ts'
import { ClusterSight } from './cluster-sight.ts'
import { ClusterWatch } from './cluster-watch.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'
import { leaderLogged } from './leader-log.ts'
import { BypassMemory } from './bypass-memory.ts'
import { OpenRuns } from './open-runs.ts'
import { executorsAmong, requirePermission } from './permission.ts'
import { resolveTarget } from './resolve-target.ts'
import { openRunFor } from './run-desk.ts'
import { ScheduledRuns } from './scheduled-runs.ts'
import { Standstills } from './standstills.ts'
import { behindReason, reportedEpoch } from './store-behind.ts'
import { freshMs, statusMethods, type ClusterStatus, type ControlPlaneStatus } from './status-wire.ts'
import { staleReadsOf } from './stale-reads.ts'
import { storeHandler } from './store-wire.ts'
import { guardedStore } from './store-write-policy.ts'

export interface RunningControlPlane {
  readonly port: number
  close(): Promise<void>
  /** Settles when it ended: fulfilled after `close`, rejected when it died of a bug. The process must then end. */
  readonly ended: Promise<void>
}

/**
 * The control plane: holds the store, hears the agents, watches every cluster, and starts what may start by itself. It keeps nothing in
 * memory that a restart could not learn again from the store and the next heartbeats.
 */
export async function startControlPlane(
  world: World,
  setup: ControlPlaneSetup,
): Promise<RunningControlPlane> {
  const keys = storeKeys(setup.estate.id)
  await writePrincipals(setup)
  await writeOnce(setup, keys.estate, setup.estate)
  const store = leaderLogged(setup.store, world.log, keys.root)
  const plane = new ControlPlane(world, { ...setup, store })
  const listener = await world.network.serve(setup.listen, async (method, body, peer) =>
    plane.handle(method, body, peer),
  )
  return plane.run(listener)
}

/** The control plane's own configuration says who people are; a change of it is a new version in the store. */
async function writePrincipals(setup: ControlPlaneSetup): Promise<void> {
  const key = storeKeys(setup.estate.id).principals
  const known = await setup.store.get(key)
  const before =
    known === undefined
      ? undefined
      : (JSON.parse(known.value) as { readonly version: number; readonly principals: Json })
  const principals = canonicalJson(setup.principals as unknown as Json)
  if (before !== undefined && canonicalJson(before.principals) === principals) return
  const value = {
    format: formats.principals,
    version: (before?.version ?? 0) + 1,
    principals: setup.principals,
  }
  await setup.store.transact({
    compare: [{ key, revision: known?.revision ?? 0 }],
    put: [{ key, value: canonicalJson(value as unknown as Json) }],
  })
}

async function writeOnce(setup: ControlPlaneSetup, key: string, value: unknown): Promise<void> {
  const known = await setup.store.get(key)
  if (known !== undefined) return
  await setup.store.transact({
    compare: [{ key, revision: 0 }],
    put: [{ key, value: canonicalJson(value as Json) }],
  })
}

interface Watched {
  readonly watch: ClusterWatch
  readonly sight: ClusterSight
}

class ControlPlane {
  readonly #world: World
  readonly #setup: ControlPlaneSetup
  readonly #stop = new AbortController()
  readonly #board = new ViewBoard()
  readonly #probes: ProbeWatch
  readonly #watched: readonly Watched[]
  readonly #runs: AutomaticRuns
  readonly #store: (method: string, body: Json, peer: Peer) => Promise<Json>
  readonly #bypasses: BypassMemory
  readonly #decisions = new Map<string, string>()
  readonly #open: OpenRuns
  readonly #scheduled: ScheduledRuns
  readonly #standstills: Standstills
  #judging = false
  #again = false

  constructor(world: World, setup: ControlPlaneSetup) {
    this.#world = world
    this.#setup = setup
    const targets = clusters(setup.estate).flatMap(({ members }) =>
      members.map((member) => ({ member, address: hostNamed(setup.estate, member.host).address })),
    )
    this.#probes = new ProbeWatch(world, setup.probe, targets, setup.tickMs)
    this.#watched = clusters(setup.estate).map((cluster) => ({
      watch: new ClusterWatch(setup.estate, cluster, this.#board, setup.patience),
      sight: new ClusterSight(world.clock.monotonicMs()),
    }))
    this.#bypasses = new BypassMemory(setup.store, setup.estate.id)
    this.#runs = new AutomaticRuns(world, setup, this.#stop.signal)
    this.#standstills = new Standstills(world, setup, this.#runs)
    this.#open = new OpenRuns(setup.store, setup.estate.id)
    this.#scheduled = new ScheduledRuns(world, setup, {
      board: this.#board,
      runs: this.#runs,
      open: this.#open,
      facts: async () => this.#facts(),
    })
    this.#store = storeHandler(
      guardedStore(setup.store, storeKeys(setup.estate.id)),
      storeKeys(setup.estate.id).root,
    )
  }

  run(listener: Listener): RunningControlPlane {
    const { signal } = this.#stop
    const done = Promise.all([
      this.#probes.run(signal),
      this.#tickLoop(signal),
      // Beside the judgement of clusters: a failover waits for no look at what is kept.
      this.#scheduled.run(signal),
    ])
    done.catch((error: unknown) => {
      this.#world.log.warn('control-plane-stopped', {
        error: error instanceof Error ? error.message : String(error),
      })
      this.#stop.abort()
    })
    return {
      port: listener.port,
      ended: done.then(() => undefined),
      close: async () => {
        this.#stop.abort()
        await listener.close()
        await done.catch(() => undefined)
        await this.#runs.settled()
      },
    }
  }

  async handle(method: string, body: Json, peer: Peer): Promise<Json> {
    if (method === controlPlaneMethods.heartbeat)
      return (await this.#heartbeat(body as unknown as Heartbeat, peer)) as unknown as Json
    if (method === controlPlaneMethods.hello) return this.#hello() as unknown as Json
    requirePermission(this.#setup.principals, peer, method, body)
    if (method === statusMethods.status) return (await this.#status()) as unknown as Json
    if (method === statusMethods.resolveTarget) return resolveTarget(this.#world, this.#setup.estate, body)
    if (method === statusMethods.openRun) {
      return (await openRunFor(this.#world, this.#setup, await this.#facts(), {
        body,
        peer,
        reportedEpoch: (scope) => this.#reportedEpoch(scope),
      })) as unknown as Json
    }
    return this.#store(method, body, peer)
  }

  #hello(): Hello {
    const capabilities = [...Object.values(controlPlaneMethods), ...Object.values(statusMethods)]
    return { format: formats.agentWire, productVersion, estate: this.#setup.estate.id, capabilities }
  }

  /** Answering is what renews a primary, so the answer is read from the store, never from memory. */
  async #heartbeat(beat: Heartbeat, peer: Peer): Promise<HeartbeatReply> {
    requireFormat('agentWire', beat.format, 'heartbeat')
    requireEstate(this.#setup.estate.id, beat.estate)
    if (peer.subject !== beat.host) throw impostor(peer.subject, beat.host)
    this.#board.record(beat, this.#world.clock.monotonicMs())
    const { estate, store } = this.#setup
    const keys = storeKeys(estate.id)
    const leaders: LeaderNews[] = []
    const epochs: { scope: string; epoch: number }[] = []
    for (const cluster of clusters(estate)) {
      const { record } = await readLeader(store, estate.id, cluster.id)
      if (record !== undefined)
        leaders.push({ component: cluster.id, member: record.member, epoch: record.epoch })
      const { epoch } = await readEpoch(store, keys, scopeOf(cluster))
      epochs.push({ scope: scopeOf(cluster), epoch })
    }
    const { record } = await readMaintenance(store, estate.id)
    void this.#judge()
    return {
      format: formats.agentWire,
      epochs,
      leaders,
      executors: executorsAmong(this.#setup.principals),
      maintenance: maintenanceNews(record),
    }
  }

  async #tickLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#judge()
      await pause(this.#world, this.#setup.tickMs, signal)
    }
  }

  /** One judgement at a time; what arrives meanwhile is judged right after. */
  async #judge(): Promise<void> {
    this.#again = true
    if (this.#judging || this.#stop.signal.aborted) return
    this.#judging = true
    try {
      while (this.#again && !this.#stop.signal.aborted) {
        this.#again = false
        for (const watched of this.#watched) await this.#judgeOrSay(watched)
      }
    } finally {
      this.#judging = false
    }
  }

  /**
   * Whatever a judgement fails with, the status says so until one succeeds. The process goes on even after a bug: it holds the store, without
   * which people could do nothing either, and the other clusters. Judged again at the next tick.
   */
  async #judgeOrSay({ watch, sight }: Watched): Promise<void> {
    const { clock, log } = this.#world
    try {
      await this.#judgeCluster(watch)
      sight.judged(clock.monotonicMs())
    } catch (error) {
      if (this.#stop.signal.aborted) return
      const { code, class: errorClass, message } = toErrorRecord(error)
      if (!sight.failed(`${code}: ${message}`)) return
      const stack = error instanceof Error && errorClass === 'bug' ? { stack: error.stack ?? '' } : {}
      log.warn('judgement-failed', {
        ...{ cluster: watch.cluster.name, code, class: errorClass, error: message },
        ...stack,
      })
    }
  }

  async #judgeCluster(watch: ClusterWatch): Promise<void> {
    const { cluster } = watch
    const scope = scopeOf(cluster)
    const { record } = await readLeader(this.#setup.store, this.#setup.estate.id, cluster.id)
    if (record === undefined) return
    // Asked before the store is read: what an agent learns meanwhile is in the store by then.
    const reported = this.#reportedEpoch(scope)
    const { epoch } = await readEpoch(this.#setup.store, storeKeys(this.#setup.estate.id), scope)
    const behind = behindReason(epoch, reported)
    if (behind !== undefined) {
      this.#decisions.set(cluster.id, `${behind}: a person decides`)
      return
    }
    const open = await this.#open.on(scope)
    if (open.run !== '') this.#resumeOwn(scope, open)
    const { clock } = this.#world
    const facts = await this.#facts()
    const busy = open.run !== '' || this.#runs.busy(scope)
    const moment = {
      nowMs: clock.monotonicMs(),
      wallMs: clock.now(),
      facts,
      leader: record,
      busy,
      inVain: this.#runs.inVain(scope, record.member),
      probes: this.#probes.views(),
    }
    const decision = watch.judge(moment)
    this.#decisions.set(
      cluster.id,
      decision.start === 'nothing' ? decision.reason : `${decision.start}: ${decision.reason}`,
    )
    const hindered = await this.#standstills.judge(watch, moment, open)
    if (hindered !== undefined) this.#decisions.set(cluster.id, hindered)
    if (decision.start === 'nothing') return
    this.#world.log.info('automatic-decision', {
      cluster: cluster.name,
      start: decision.start,
      reason: decision.reason,
    })
    const parameters: Record<string, string> =
      decision.start === 'reprotect' ? { member: decision.member } : {}
    this.#runs.start({
      procedure: decision.start,
      cluster,
      parameters,
      facts,
      scope,
      authorization: { kind: 'standing', policyDigest: digest(cluster.policy) },
      detection: watch.account(moment),
    })
  }

  /** A run that a former process of ours left open goes on here; a person's run is left to the person. */
  #resumeOwn(scope: string, open: { readonly run: string; readonly requestedBy: string }): void {
    if (open.requestedBy === this.#setup.subject && !this.#runs.busy(scope))
      this.#runs.resume(scope, open.run)
  }

  #reportedEpoch(scope: string): number {
    return reportedEpoch(this.#setup.estate, this.#board, scope)
  }

  async #facts(board = this.#board): Promise<Facts> {
    const { estate, store } = this.#setup
    const leaders = new Map<string, LeaderRecord>()
    for (const cluster of clusters(estate)) {
      const { record } = await readLeader(store, estate.id, cluster.id)
      if (record !== undefined) leaders.set(cluster.id, record)
    }
    const nowMs = this.#world.clock.monotonicMs()
    const { record: maintenance } = await readMaintenance(store, estate.id)
    return this.#bypasses.complete(factsFromViews({ estate, board, nowMs, freshMs, leaders, maintenance }))
  }

  /** When something in the reports makes it fail, what they say is shown as unknown: people have to see that something is wrong. */
  async #status(): Promise<ControlPlaneStatus> {
    try {
      return await this.#statusFrom(this.#board)
    } catch (error) {
      const { code, message } = toErrorRecord(error)
      return await this.#statusFrom(new ViewBoard(), `what was reported can not be read: ${code}: ${message}`)
    }
  }

  async #statusFrom(board: ViewBoard, blind?: string): Promise<ControlPlaneStatus> {
    const { estate, sandbox, store } = this.#setup
    const nowMs = this.#world.clock.monotonicMs()
    const { record: maintenance } = await readMaintenance(store, estate.id)
    const statuses = this.#watched.map(async (watched) => this.#clusterStatus(watched, board, blind))
    const facts = await this.#facts(board)
    const timetable = blind === undefined ? this.#scheduled.shown(facts) : []
    const hosts = estate.hosts.map((host) => {
      const reading = board.reading(host.id)
      if (reading === undefined) return { host: host.name }
      return { host: host.name, ageMs: Math.floor(nowMs - reading.arrivedMs), view: reading.view }
    })
    return {
      productVersion,
      estate: estate.id,
      sandbox: sandbox === true,
      facts,
      clusters: await Promise.all(statuses),
      hosts,
      ...(timetable.length === 0 ? {} : { timetable }),
      ...(maintenance === undefined ? {} : { maintenance }),
    }
  }

  async #clusterStatus(
    { watch, sight }: Watched,
    board: ViewBoard,
    unread: string | undefined,
  ): Promise<ClusterStatus> {
    const { cluster } = watch
    const { estate, store } = this.#setup
    const { record } = await readLeader(store, estate.id, cluster.id)
    const { run } = await this.#open.on(scopeOf(cluster))
    const { epoch } = await readEpoch(store, storeKeys(estate.id), scopeOf(cluster))
    const boundMs = staleReadsOf(estate, cluster, board)
    const blind = sight.blind(this.#world.clock.monotonicMs()) ?? unread
    const { state, reason, silentMs } =
      blind === undefined ? watch.detection : { state: 'unknown', reason: blind, silentMs: 0 }
    return {
      component: cluster.id,
      ...(record === undefined ? {} : { leader: record }),
      detection: { state, reason, silentMs: Math.floor(silentMs) },
      openRun: run,
      automatic:
        blind === undefined ? (this.#decisions.get(cluster.id) ?? 'not judged yet') : 'nothing: blind',
      epoch,
      ...(boundMs === undefined ? {} : { staleReadBoundMs: boundMs }),
      ...(blind === undefined ? {} : { blind }),
    }
  }
}

function impostor(subject: string, host: string): RecoveryError {
  return new RecoveryError({
    code: 'PEER_NOT_ALLOWED',
    class: 'refused',
    message: `${subject} reports as ${host}`,
    hint: 'every agent uses its own certificate: check `tls` in its configuration',
  })
}
