import type { Facts } from '../domain/facts.ts'
import { toErrorRecord } from '../domain/recovery-error.ts'
import { pause } from '../agent/probe-watch.ts'
import { declarationDigestOf } from '../engine/declared-permission.ts'
import { readEpoch } from '../engine/epoch.ts'
import { storeKeys } from '../engine/store-keys.ts'
import { clusters, copiesScope, maintenanceScope, scopeOf } from '../estate/estate-lookup.ts'
import type { PostgresComponent } from '../estate/estate.ts'
import { timetable } from '../estate/timetable.ts'
import type { TimetableEntry } from '../estate/timetable.ts'
import type { World } from '../ports/world.ts'
import { decideScheduled } from '../watch/scheduled-decision.ts'
import type { EntryState, PastRun } from '../watch/scheduled-decision.ts'
import { seenCopies } from '../watch/seen-copies.ts'
import type { ViewBoard } from '../watch/view-board.ts'
import type { AutomaticRuns } from './automatic-runs.ts'
import type { ControlPlaneSetup } from './control-plane-setup.ts'
import type { OpenRun, OpenRuns } from './open-runs.ts'
import { PastRuns } from './past-runs.ts'
import { behindReason, reportedEpoch } from './store-behind.ts'
import type { TimetableStatus } from './status-wire.ts'

export interface ScheduleGround {
  readonly board: ViewBoard
  readonly runs: AutomaticRuns
  readonly open: OpenRuns
  readonly facts: () => Promise<Facts>
}

interface Kept {
  readonly cluster: PostgresComponent
  readonly entries: readonly TimetableEntry[]
  /** Whether anything of it begins without a person. */
  readonly isAutomatic: boolean
}

/** What is due is due for longer than this. */
const lookEveryMs = 1_000

/**
 * Backups and restore tests when the estate declares them. All that it knows is in the store, in the reports and in the estate, so that a new
 * process goes on where the last one ended; only why something was passed over before is its own.
 */
export class ScheduledRuns {
  readonly #world: World
  readonly #setup: ControlPlaneSetup
  readonly #ground: ScheduleGround
  readonly #past: PastRuns
  readonly #kept: readonly Kept[]
  readonly #states = new Map<string, readonly EntryState[]>()
  readonly #passedOver = new Map<string, { readonly atMs: number; readonly reason: string }>()
  /** By cluster: why it could not be judged at the last look. */
  readonly #blind = new Map<string, string>()

  constructor(world: World, setup: ControlPlaneSetup, ground: ScheduleGround) {
    this.#world = world
    this.#setup = setup
    this.#ground = ground
    this.#past = new PastRuns(setup.store, setup.estate.id)
    const { entries } = timetable(setup.estate)
    this.#kept = clusters(setup.estate).map((cluster) => {
      const own = entries.filter(({ component }) => component === cluster.id)
      return { cluster, entries: own, isAutomatic: own.some(({ start }) => start === 'automatic') }
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    const kept = this.#kept.filter(({ isAutomatic }) => isAutomatic)
    while (kept.length > 0 && !signal.aborted) {
      for (const one of kept) await this.#judgeOrSay(one, signal)
      await pause(this.#world, lookEveryMs, signal)
    }
  }

  /** Of what was never looked at, because a person begins it or it can not be judged, it is worked out when somebody asks. */
  shown(facts: Facts): readonly TimetableStatus[] {
    return this.#kept.flatMap((kept) => {
      const { id } = kept.cluster
      const states = this.#states.get(id) ?? this.#decide(kept, facts).entries
      const blind = this.#blind.get(id)
      return states.map((state) => {
        const lastPassedOver = this.#passedOver.get(keyOf(state))
        return {
          ...state,
          ...(lastPassedOver === undefined ? {} : { lastPassedOver }),
          ...(blind === undefined ? {} : { blind }),
        }
      })
    })
  }

  /** A failure of any kind is said, once for each text, and looked at again: backups are no reason to take the control plane down. */
  async #judgeOrSay(kept: Kept, signal: AbortSignal): Promise<void> {
    try {
      await this.#judge(kept)
      this.#blind.delete(kept.cluster.id)
    } catch (error) {
      if (signal.aborted) return
      const { code, class: errorClass, message } = toErrorRecord(error)
      const text = `${code}: ${message}`
      if (this.#blind.get(kept.cluster.id) === text) return
      this.#blind.set(kept.cluster.id, text)
      this.#world.log.warn('schedule-not-judged', {
        ...{ cluster: kept.cluster.name, code, class: errorClass, error: message },
      })
    }
  }

  async #judge(kept: Kept): Promise<void> {
    const { cluster } = kept
    const { estate, store } = this.#setup
    const { runs, open, board } = this.#ground
    const scope = copiesScope(cluster)
    // Asked before the store is read: what an agent learns meanwhile is in the store by then.
    const reported = reportedEpoch(estate, board, scope)
    const { epoch } = await readEpoch(store, storeKeys(estate.id), scope)
    const openRun = await open.on(scope)
    // It is being opened, or was closed a moment ago: the next look knows.
    if (runs.executing(scope) && openRun.run === '') return
    const behind = behindReason(epoch, reported)
    const stranger = behind === undefined ? this.#resumeOwn(scope, openRun) : undefined
    const others = await this.#others(cluster)
    const adoption = others.find(({ procedure }) => procedure === 'adoption')
    const obstacle =
      (behind === undefined ? undefined : `${behind}: a person decides`) ??
      stranger ??
      // Its members are being cloned from the primary: the first backup would read it all once more at the same time.
      (adoption && `${adoption.run} adopts it`) ??
      runs.restsFrom(scope)
    const facts = await this.#ground.facts()
    const known = {
      runs: await this.#past.on(scope),
      openRun,
      otherOpenRuns: others.map(({ run }) => run),
      obstacle,
    }
    const decision = this.#decide(kept, facts, known)
    this.#states.set(cluster.id, decision.entries)
    this.#say(decision.entries)
    if (decision.start === undefined || runs.busy(scope)) return
    const { procedure, declaration } = decision.start
    this.#world.log.info('schedule-due', { cluster: cluster.name, start: procedure, declaration })
    const authorization = { kind: 'declared', declaration, estate } as const
    runs.start({ procedure, cluster, parameters: {}, facts, scope, authorization })
  }

  #decide(
    { cluster, entries }: Kept,
    facts: Facts,
    known: {
      readonly runs: readonly PastRun[]
      readonly openRun?: OpenRun
      readonly otherOpenRuns: readonly string[]
      readonly obstacle?: string | undefined
    } = { runs: [], otherOpenRuns: [] },
  ) {
    const { estate } = this.#setup
    const { clock } = this.#world
    const { runs, otherOpenRuns, openRun, obstacle } = known
    return decideScheduled({
      ...{ estate, cluster, entries, facts, runs, otherOpenRuns },
      nowMs: clock.now(),
      copies: seenCopies(estate, cluster, this.#ground.board, clock.monotonicMs()),
      ...(openRun === undefined || openRun.run === '' ? {} : { openRun }),
      ...(obstacle === undefined ? {} : { obstacle }),
    })
  }

  /**
   * A run that a former process of ours left open goes on here, as long as the declaration that allowed it still stands as it was. Returns why it
   * does not.
   */
  #resumeOwn(scope: string, { run, requestedBy, declared }: OpenRun): string | undefined {
    const { runs } = this.#ground
    if (run === '' || requestedBy !== this.#setup.subject || declared === undefined) return undefined
    if (declared.digest !== declarationDigestOf(this.#setup.estate, scope))
      return `${run} was begun under another declaration: a person goes on with \`pointzero resume ${run}\` or ends it with \`pointzero cancel ${run}\``
    if (!runs.busy(scope)) runs.resume(scope, run)
    return undefined
  }

  async #others(cluster: PostgresComponent): Promise<readonly OpenRun[]> {
    const found: OpenRun[] = []
    for (const scope of [scopeOf(cluster), maintenanceScope(this.#setup.estate)]) {
      const open = await this.#ground.open.on(scope)
      if (open.run !== '') found.push(open)
    }
    return found
  }

  #say(states: readonly EntryState[]): void {
    for (const state of states) {
      const { passedOver: reason, declaration, component } = state
      const before = this.#passedOver.get(keyOf(state))
      if (reason === undefined) continue
      this.#passedOver.set(keyOf(state), { atMs: this.#world.clock.now(), reason })
      if (before?.reason !== reason)
        this.#world.log.warn('schedule-passed-over', { declaration, component, why: reason })
    }
  }
}

function keyOf({ declaration, component }: EntryState): string {
  return `${component} ${declaration}`
}
