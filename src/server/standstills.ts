import type { LeaderRecord } from '../domain/leader-record.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { digest } from '../engine/digest.ts'
import { requireStanding } from '../engine/open-run.ts'
import { RunJournal } from '../engine/run-journal.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { scopeOf } from '../estate/estate-lookup.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import type { World } from '../ports/world.ts'
import { decideStandstill } from '../watch/standstill.ts'
import type { AutomaticRuns } from './automatic-runs.ts'
import type { ClusterMoment, ClusterWatch } from './cluster-watch.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'
import type { OpenRun } from './open-runs.ts'

interface Watched {
  /** Kept from one look to the next, so that only what is new in it is read and verified. */
  readonly journal: RunJournal
  readonly revision: number
  readonly sinceMs: number
}

/**
 * Runs that hold a cluster's scope while nobody is served, so that a failover waits for them. One that stands still is taken over, so that
 * nobody who closed a terminal keeps a failover from happening. Only where failovers are left to the control plane by a standing approval.
 */
export class Standstills {
  readonly #world: World
  readonly #setup: ControlPlaneSetup
  readonly #runs: AutomaticRuns
  readonly #watched = new Map<string, Watched>()

  constructor(world: World, setup: ControlPlaneSetup, runs: AutomaticRuns) {
    this.#world = world
    this.#setup = setup
    this.#runs = runs
  }

  /** What a failover waits for while nobody is served; undefined when it waits for nothing. Our own failovers are nobody's hindrance. */
  async judge(
    { cluster, detection }: ClusterWatch,
    { facts, leader }: ClusterMoment,
    { run, requestedBy, procedure }: OpenRun,
  ): Promise<string | undefined> {
    const seen = facts.clusters.find(({ component }) => component === cluster.id)?.members ?? []
    const isServed =
      detection.state === 'up' &&
      seen.some(({ member, role }) => member === leader.member && role === 'primary')
    if (isServed || cluster.policy.failover['zone-loss'] !== 'automatic') {
      this.#watched.delete(scopeOf(cluster))
      return undefined
    }
    const isOurFailover = requestedBy === this.#setup.subject && procedure === 'zone-failover'
    if (run === '' || isOurFailover) return undefined
    return await this.#hindered(cluster, { leader, isLeaderDown: detection.state === 'down' }, run)
  }

  async #hindered(
    cluster: PostgresComponent,
    { leader, isLeaderDown }: { readonly leader: LeaderRecord; readonly isLeaderDown: boolean },
    run: string,
  ): Promise<string> {
    const { estate, store, subject, verifier } = this.#setup
    const { clock, log } = this.#world
    const scope = scopeOf(cluster)
    const { journal, sinceMs } = await this.#look(scope, run)
    const { state } = journal
    const quietMs = clock.monotonicMs() - sinceMs
    const name = cluster.members.find(({ id }) => id === leader.member)?.name ?? ''
    const decision = decideStandstill({ state, leader: name, isLeaderDown, quietMs })
    const waits = `a failover waits for ${run} (${state.plan.procedure})`
    if (!decision.takeOver)
      return `${waits}: ${decision.reason}; \`pointzero resume ${run}\` or \`pointzero cancel ${run}\``
    const plan = { procedure: 'zone-failover', scope, estate: estate.id }
    try {
      await requireStanding({ clock, store, verifier, requestedBy: subject, plan }, digest(cluster.policy))
    } catch (error) {
      if (!(error instanceof RecoveryError) || error.class !== 'refused') throw error
      return `${waits}, and people take it over: ${error.message}`
    }
    log.warn('run-taken-over', {
      run,
      procedure: state.plan.procedure,
      cancelled: decision.cancel,
      why: decision.reason,
    })
    this.#watched.delete(scope)
    this.#runs.takeOver(scope, run, decision.cancel)
    return `${waits}, which was taken over: ${decision.reason}`
  }

  async #look(scope: string, run: string): Promise<Watched> {
    const { estate, store, subject: writer } = this.#setup
    const { clock } = this.#world
    const known = this.#watched.get(scope)
    let journal = known?.journal
    if (journal?.place.run === run) await journal.refresh()
    else journal = await RunJournal.load({ clock, store, keys: storeKeys(estate.id), run, writer })
    const { headRevision: revision } = journal
    if (known?.journal === journal && known.revision === revision) return known
    const watched = { journal, revision, sinceMs: clock.monotonicMs() }
    this.#watched.set(scope, watched)
    return watched
  }
}
