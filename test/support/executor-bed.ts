import assert from 'node:assert/strict'
import type { Plan, Step } from '../../src/domain/plan.ts'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { ControlStore } from '../../src/ports/control-store.ts'
import type { Random } from '../../src/ports/random.ts'
import { MemoryControlStore } from '../../src/simulation/memory-control-store.ts'
import type { Observation } from '../../src/engine/action.ts'
import { executeRun } from '../../src/engine/executor.ts'
import type { RunResult } from '../../src/engine/executor.ts'
import { openRun } from '../../src/engine/open-run.ts'
import type { Performer, StepRequest } from '../../src/engine/performer.ts'
import { planHash } from '../../src/engine/plan-hash.ts'
import type { RunEvent, RunRecord } from '../../src/engine/run-event.ts'
import { verifyJournal } from '../../src/engine/run-record.ts'
import { storeKeys } from '../../src/engine/store-keys.ts'

export const estate = 'est_abcdef'
export const run = 'run_abcdef'
export const keys = storeKeys(estate)
export const log = { info: () => undefined, warn: () => undefined }

// What the tests of the executor share. There is no test in here.

/** Virtual time: jumps to the next timer as soon as nothing else can happen. */
export class VirtualClock implements Clock {
  #nowMs = 1_000
  #timers: { readonly atMs: number; readonly fire: () => void }[] = []
  #planned = false

  now(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    const timer = { atMs: this.#nowMs + Math.max(0, durationMs), fire: resolve }
    this.#timers.push(timer)
    signal?.addEventListener('abort', () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
      reject(signal.reason as Error)
    })
    this.#plan()
    return promise
  }

  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    setImmediate(() => {
      this.#planned = false
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs).at(0)
      if (next === undefined) return
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
      this.#plan()
    })
  }
}

export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0
  }

  integer(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * bound)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(256))
  }

  idBody(length: number): string {
    return Array.from({ length }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[this.integer(36)]).join('')
  }
}

export type Fault = (
  request: StepRequest,
  phase: 'observe' | 'apply',
  nth: number,
) => Promise<'go-on' | 'lose-reply'>

/** What the run acts upon. It outlives executors, checks epochs, and checks that every effect had a durable intent. */
export class Target {
  /** Names that are true now. `set x` makes x true, `unset x` false again. */
  readonly facts = new Set<string>()
  /** Effects that changed something, in order. */
  readonly effects: string[] = []
  readonly refusedLate: string[] = []
  readonly violations: string[] = []
  readonly #store: MemoryControlStore
  readonly #clock: Clock
  #epoch = 0
  #calls = 0
  fault: Fault = async () => 'go-on'
  applyMs = 5

  constructor(store: MemoryControlStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  performer(): Performer {
    return {
      observe: async (request) => {
        const fate = await this.fault(request, 'observe', (this.#calls += 1))
        if (fate === 'lose-reply') throw lost('observe')
        return this.#seen(request)
      },
      apply: async (request) => {
        await this.#checkIntent(request)
        const fate = await this.fault(request, 'apply', (this.#calls += 1))
        await this.#clock.sleep(this.applyMs)
        this.deliver(request)
        if (fate === 'lose-reply') throw lost('apply')
      },
      announce: async (_, epoch) => {
        this.#epoch = Math.max(this.#epoch, epoch)
      },
    }
  }

  deliver(request: StepRequest): void {
    const { epoch, step } = request.authority
    if (epoch < this.#epoch) {
      this.refusedLate.push(step)
      throw new RecoveryError({ code: 'EPOCH_STALE', class: 'refused', message: `epoch ${epoch}`, hint: '' })
    }
    this.#epoch = epoch
    const fact = factOf(request)
    const before = this.facts.has(fact)
    if (request.action === 'set') this.facts.add(fact)
    else this.facts.delete(fact)
    if (before !== this.facts.has(fact)) this.effects.push(`${request.action} ${fact}`)
  }

  #seen(request: StepRequest): Observation {
    const fact = factOf(request)
    const satisfied = this.facts.has(fact) === (request.action !== 'unset')
    return satisfied ? { satisfied, proof: { fact }, output: { fact } } : { satisfied, seen: 'not yet' }
  }

  async #checkIntent({ authority, action }: StepRequest): Promise<void> {
    const records = await journalOf(this.#store)
    const own = records
      .map(({ event }) => event)
      .filter((event) => 'step' in event && event.step === authority.step)
    const last = own.at(-1)
    const kind = action === 'unset' ? 'compensate' : 'apply'
    if (last?.type === 'intent' && last.attempt === authority.attempt && last.kind === kind) return
    this.violations.push(
      `${action} of ${authority.step} attempt ${authority.attempt} without a durable intent`,
    )
  }
}

export function factOf({ args }: StepRequest): string {
  return args['fact'] as string
}

export function lost(what: string): RecoveryError {
  return new RecoveryError({ code: 'NETWORK_REPLY_LOST', class: 'unknown-outcome', message: what, hint: '' })
}

export function failure(errorClass: 'transient' | 'refused' | 'permanent' | 'bug'): RecoveryError {
  return new RecoveryError({ code: 'TEST', class: errorClass, message: `a ${errorClass} failure`, hint: '' })
}

export async function journalOf(store: MemoryControlStore): Promise<readonly RunRecord[]> {
  const entries = await store.list(keys.run(run))
  const verdict = verifyJournal(
    run,
    entries.filter(({ key }) => key !== keys.runHead(run)).map(({ value }) => value),
    entries.find(({ key }) => key === keys.runHead(run))?.value,
  )
  assert.ok(verdict.intact, JSON.stringify(verdict))
  return verdict.records
}

export function step(id: string, after: readonly string[], more: Partial<Step> = {}): Step {
  const effect = more.effect ?? 'reversible'
  const undo = { compensation: { action: 'unset', actionVersion: 1, args: { fact: id } } }
  return {
    id,
    action: 'set',
    actionVersion: 1,
    args: { fact: id },
    on: 'host',
    after,
    proves: `${id} is so`,
    effect,
    timeoutMs: 1_000,
    retry: { attempts: 3, waitMs: 10 },
    phase: 'execute',
    ...(effect === 'reversible' ? undo : {}),
    ...more,
  }
}

export function planOf(...steps: readonly Step[]): Plan {
  return {
    format: 'pointzero/plan/1',
    procedure: 'zone-failover',
    procedureVersion: 1,
    productVersion: '0.1.0',
    estate,
    estateDigest: 'e',
    factsDigest: 'f',
    scenario: 'zone-loss',
    parameters: {},
    scope: 'estate',
    mode: 'real',
    steps,
  }
}

/** Two in parallel, a quorum of one of them, the point of no return, two after it; a reference; a step without effect. */
export const failover = planOf(
  step('detach-a', []),
  step('detach-b', []),
  step('choose', ['detach-a', 'detach-b'], { effect: 'none', quorum: 1, args: { fact: 'detach-a' } }),
  step('promote', ['choose'], { effect: 'point-of-no-return' }),
  step('route', ['promote'], { on: { from: 'choose', field: 'fact' } }),
  step('follow', ['promote', 'detach-b'], { optional: true }),
)

export interface Bed {
  readonly clock: VirtualClock
  readonly store: MemoryControlStore
  readonly target: Target
}

export async function bed(plan: Plan): Promise<Bed> {
  const clock = new VirtualClock()
  const store = new MemoryControlStore(clock)
  const verifier = { verify: () => false }
  const authorization = { kind: 'approvals', required: 0, approvals: [] } as const
  await openRun({
    clock,
    store,
    verifier,
    run,
    plan,
    planHash: planHash(plan),
    requestedBy: 'prn_abcdef',
    authorization,
  })
  return { clock, store, target: new Target(store, clock) }
}

export function execute(
  { clock, store, target }: Bed,
  more: { store?: ControlStore; performer?: Performer; seed?: number; signal?: AbortSignal } = {},
): Promise<RunResult> {
  const random = new SeededRandom(more.seed ?? 7)
  const world = { clock, random, log }
  const { signal, store: through = store, performer = target.performer() } = more
  return executeRun({
    world,
    store: through,
    performer,
    estate,
    run,
    executor: 'x',
    procedures: new Map([['zone-failover', 1]]),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Ends the life of one executor: call number `at` is not made (even) or made without its reply (odd), and all later ones hang. */
export class Fuse {
  calls = 0
  readonly #at: number

  constructor(at: number) {
    this.#at = at
  }

  get blown(): boolean {
    return this.calls > Math.floor(this.#at / 2)
  }

  async pass<T>(call: () => Promise<T>): Promise<T> {
    const mine = this.calls
    this.calls += 1
    const last = Math.floor(this.#at / 2)
    if (mine > last || (mine === last && this.#at % 2 === 0)) return await never()
    const result = await call().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error
      },
    )
    return mine === last || this.blown ? await never() : result()
  }

  store(inner: ControlStore): ControlStore {
    return {
      get: (key) => this.pass(() => inner.get(key)),
      list: (prefix) => this.pass(() => inner.list(prefix)),
      transact: (transaction) => this.pass(() => inner.transact(transaction)),
      changes: (prefix, revision, timeoutMs) => this.pass(() => inner.changes(prefix, revision, timeoutMs)),
    }
  }

  performer(inner: Performer): Performer {
    return {
      observe: (request) => this.pass(() => inner.observe(request)),
      apply: (request) => this.pass(() => inner.apply(request)),
      announce: (scope, epoch) => this.pass(() => inner.announce(scope, epoch)),
    }
  }
}

export function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

/** Runs until it ends or its fuse blows; true when it ended. */
export async function liveAndDie(on: Bed, fuse: Fuse, seed: number): Promise<boolean> {
  const work = execute(on, {
    store: fuse.store(on.store),
    performer: fuse.performer(on.target.performer()),
    seed,
  })
  let ended = false
  work.then(
    () => (ended = true),
    () => (ended = true),
  )
  while (!ended && !fuse.blown) await new Promise(setImmediate)
  // What was on its way arrives.
  for (let n = 0; n < 12; n += 1) await new Promise(setImmediate)
  return ended
}

export function eventsOf(records: readonly RunRecord[], type: RunEvent['type']): readonly RunEvent[] {
  return records.map(({ event }) => event).filter((event) => event.type === type)
}

export const allFacts = ['detach-a', 'detach-b', 'follow', 'promote', 'route']

export async function assertCompleted({ store, target }: Bed): Promise<void> {
  assert.deepEqual([...target.facts].sort(), allFacts)
  assert.deepEqual(target.violations, [])
  assert.equal(target.effects.filter((effect) => effect === 'set promote').length, 1)
  assert.equal(new Set(target.effects).size, target.effects.length)
  assert.equal((await store.get(keys.open('estate')))?.value, '{"run":""}')
  assert.equal(eventsOf(await journalOf(store), 'finished').length, 1)
}

/** The executor may have died right after the end was durable. */
export async function finish(on: Bed): Promise<RunResult> {
  const finished = eventsOf(await journalOf(on.store), 'finished').at(-1)
  return finished?.type === 'finished' ? finished : await execute(on, { seed: 99 })
}
