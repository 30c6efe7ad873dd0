import type { Counters } from './counters.ts'
import { EstateReading } from './estate-reading.ts'
import { FaultInjector } from './fault-injector.ts'
import type { OperatorCommand } from './fault-injector.ts'
import { controlPlaneSubject } from './sim-estate.ts'
import type { SimEstate } from './sim-estate.ts'
import { SimOperators } from './sim-operators.ts'
import type { RunOrder } from './sim-operators.ts'
import type { SimProcess } from './sim-process.ts'

const glanceUs = 500_000
/** A person acts when nothing moved for this long. */
const patienceUs = 2_000_000

/**
 * What the people of the estate want, and what they do when it does not happen: run again, continue, resume. Everything they do goes through
 * the same commands as in the real world.
 */
export class Director {
  readonly reading: EstateReading
  readonly operators: SimOperators
  readonly injector: FaultInjector
  readonly #sim: SimEstate
  readonly #counters: Counters
  #goal: { readonly order?: () => RunOrder; readonly isReached: () => boolean } | undefined
  #stillSinceUs = 0
  #seen = ''

  constructor(sim: SimEstate) {
    this.#sim = sim
    this.#counters = sim.counters
    this.reading = new EstateReading(sim)
    this.operators = new SimOperators(sim)
    this.injector = new FaultInjector({
      sim,
      leaderHost: () => this.reading.leadingServer?.host.name ?? 'az1',
      onOperator: (command) => this.#interfere(command),
      executors: () => this.#executors(),
    })
    sim.onRecord = () => this.injector.recorded()
    sim.loop.after(glanceUs, () => this.#glance())
  }

  /** Nobody looks after a run that stands still. */
  arePeopleAway = false

  want(order: RunOrder, isReached: () => boolean): void {
    this.wantNow(() => order, isReached)
  }

  /** What is ordered depends on what is there when it is ordered, each time. */
  wantNow(order: () => RunOrder, isReached: () => boolean): void {
    this.#goal = { order, isReached }
    this.operators.run(order())
  }

  /** Nobody orders anything: it is to happen by itself. */
  wait(isReached: () => boolean): void {
    this.#goal = { isReached }
  }

  get isGoalReached(): boolean {
    return this.#goal?.isReached() ?? true
  }

  /** Whoever executes a run now: a person's command, or the control plane itself. */
  #executors(): readonly SimProcess[] {
    const people = this.operators.executors()
    const run = this.reading.openRun
    const plane = this.#sim.process('control-plane')
    if (people.length > 0 || run === '' || plane === undefined) return people
    return this.reading.requesterOf(run) === controlPlaneSubject ? [plane] : []
  }

  #glance(): void {
    this.#sim.loop.after(glanceUs, () => this.#glance())
    const run = this.reading.openRun
    const head = run === '' ? undefined : this.reading.head(run)
    const now = `${run}/${head?.seq ?? ''}/${this.reading.leader?.member ?? ''}/${this.operators.outcomes.length}`
    if (now !== this.#seen) {
      this.#seen = now
      this.#stillSinceUs = this.#sim.loop.nowUs
    }
    if (this.#sim.loop.nowUs - this.#stillSinceUs < patienceUs) return
    this.#stillSinceUs = this.#sim.loop.nowUs
    this.#act(run, head?.status ?? '')
  }

  #act(run: string, status: string): void {
    if (run !== '') {
      const isOurs = this.reading.requesterOf(run) !== controlPlaneSubject
      if (!this.arePeopleAway && (status === 'paused' || (isOurs && !this.operators.isExecuting(run)))) {
        this.#counters.add('resumed-by-a-person')
        this.operators.resume(run)
      }
      return
    }
    if (this.#goal?.order === undefined || this.#goal.isReached() || this.operators.opening > 0) return
    this.#counters.add('run-again')
    this.operators.run(this.#goal.order())
  }

  #interfere(command: OperatorCommand): void {
    const run = this.reading.openRun
    if (command === 'run-again') {
      if (this.#goal?.order !== undefined) this.operators.run(this.#goal.order(), 1)
    } else if (run === '') this.#counters.add(`nothing-to-${command}`)
    else if (command === 'resume') this.operators.resume(run)
    else
      this.operators.wish(
        command === 'pause' ? 'paused' : command === 'continue' ? 'continued' : 'cancel-requested',
        run,
      )
  }
}
