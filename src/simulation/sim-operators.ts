import { EstatePerformer } from '../actions/estate-performer.ts'
import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { signApproval } from '../engine/approval-signature.ts'
import { executeRun } from '../engine/executor.ts'
import { planHash } from '../engine/plan-hash.ts'
import { cancelRun, continueRun, pauseRun } from '../engine/operator-events.ts'
import { RunJournal } from '../engine/run-journal.ts'
import type { JournalPlace } from '../engine/run-journal.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { Network } from '../ports/network.ts'
import type { World } from '../ports/world.ts'
import { procedureNamed, procedureVersions } from '../procedures/parts/catalogue.ts'
import { RemoteStore } from '../server/remote-store.ts'
import type { OpenRunReply, OpenRunRequest } from '../server/run-desk.ts'
import { statusMethods } from '../server/status-wire.ts'
import type { ControlPlaneStatus } from '../server/status-wire.ts'
import type { SimEstate } from './sim-estate.ts'
import { controlPlaneSubject } from './sim-estate.ts'
import type { SimProcess } from './sim-process.ts'
import { simSigner } from './sim-signer.ts'

export interface RunOrder {
  readonly procedure: string
  readonly parameters: Readonly<Record<string, string>>
}

const callTimeoutMs = 3000

/** Two people at their consoles. Every command is a process of its own that reaches the control plane over the network, as the command line does. */
export class SimOperators {
  readonly #sim: SimEstate
  /** Commands that execute a run now, by run. */
  readonly #executing = new Map<SimProcess, string>()
  #commands = 0
  /** Ends of commands, newest last: what the people read on their screens. */
  readonly outcomes: { readonly command: string; readonly outcome: string; readonly atUs: number }[] = []
  /** Commands to open a run that have not ended. */
  opening = 0

  constructor(sim: SimEstate) {
    this.#sim = sim
  }

  executors(): readonly SimProcess[] {
    return [...this.#executing.keys()].filter(({ isAlive }) => isAlive)
  }

  isExecuting(run: string): boolean {
    return [...this.#executing].some(
      ([process, executed]) => executed === run && process.isAlive && !process.isPaused,
    )
  }

  /** Plan, have it approved by the other person, open, execute. */
  run(order: RunOrder, requester: 0 | 1 = 0): void {
    this.opening += 1
    this.#command(
      `run ${order.procedure}`,
      requester,
      async (world, process) => {
        const store = this.#store(world.network)
        const { facts } = (await this.#call(
          world.network,
          statusMethods.status,
          {},
        )) as unknown as ControlPlaneStatus
        const { estate } = this.#sim
        const { procedure, parameters } = order
        const plan = procedureNamed(procedure).plan({ estate, facts, parameters, mode: 'real' })
        const hash = planHash(plan)
        await this.#approve(plan.scope, hash, requester === 0 ? 1 : 0)
        const request: OpenRunRequest = {
          estate: estate.id,
          procedure,
          parameters,
          mode: 'real',
          planHash: hash,
        }
        const reply = (await this.#call(
          world.network,
          statusMethods.openRun,
          request as unknown as Json,
        )) as unknown as OpenRunReply
        return this.#execute(world, process, store, reply.run)
      },
      () => {
        this.opening -= 1
      },
    )
  }

  resume(run: string, person: 0 | 1 = 1): void {
    this.#command(`resume ${run}`, person, async (world, process) => {
      const store = this.#store(world.network)
      const place = this.#place(world, run)
      if ((await RunJournal.load(place)).state.paused) await continueRun(place)
      return this.#execute(world, process, store, run)
    })
  }

  wish(kind: keyof typeof wishes, run: string, person: 0 | 1 = 1): void {
    this.#command(`${kind} ${run}`, person, async (world) => {
      await wishes[kind](this.#place(world, run))
      return 'written'
    })
  }

  async #approve(scope: string, hash: string, person: 0 | 1): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#command(
      'approve',
      person,
      async (world) => {
        const { id: estate } = this.#sim.estate
        const nowMs = world.clock.now()
        const fields = {
          estate,
          planHash: hash,
          scope,
          issuedAtMs: nowMs,
          expiresAtMs: nowMs + 15 * 60_000,
          reason: 'rehearsed',
        }
        const approval = signApproval(
          { ...fields, nonce: world.random.idBody(24) },
          simSigner(subjects[person]),
        )
        const put = [
          {
            key: storeKeys(estate).approval(hash, approval.nonce),
            value: canonicalJson(approval as unknown as Json),
          },
        ]
        const compare = put.map(({ key }) => ({ key, revision: 0 }))
        await this.#store(world.network).transact({ compare, put })
        return 'approved'
      },
      () => done.resolve(),
    )
    await done.promise
  }

  async #execute(world: World, process: SimProcess, store: RemoteStore, run: string): Promise<string> {
    this.#executing.set(process, run)
    this.#sim.onExecutor?.(process)
    this.#sim.onExecutor = undefined
    const { estate } = this.#sim
    const performer = new EstatePerformer(world, estate, store)
    const result = await executeRun({
      world,
      store,
      performer,
      estate: estate.id,
      run,
      executor: process.name,
      procedures: procedureVersions,
    })
    return result.status
  }

  #command(
    command: string,
    person: 0 | 1,
    work: (world: World, process: SimProcess) => Promise<string>,
    ended: () => void = () => {},
  ): void {
    this.#commands += 1
    const host = person === 0 ? 'client' : 'ctl'
    const { loop } = this.#sim
    if (!this.#sim.host(host).isUp) {
      loop.after(1000, ended)
      return
    }
    const name = `${command} (${this.#commands})`
    const { process, world } = this.#sim.spawn(name, host, subjects[person])
    process.onExit(() => {
      this.#executing.delete(process)
      ended()
      loop.awaken()
    })
    const end = (outcome: string): void => {
      this.#sim.counters.add(`command:${command.split(' ')[0]}:${outcome}`)
      this.outcomes.push({ command, outcome, atUs: loop.nowUs })
      this.#sim.note(process, 'command-ended', { outcome })
      process.kill()
    }
    work(world, process).then(end, (error: unknown) => {
      const isBug = !(error instanceof RecoveryError) || error.class === 'bug'
      if (isBug) this.#sim.fail(error)
      end(error instanceof RecoveryError ? error.code : String(error))
    })
  }

  #place(world: World, run: string): JournalPlace {
    const keys = storeKeys(this.#sim.estate.id)
    return { clock: world.clock, store: this.#store(world.network), keys, run, writer: subjects[1] }
  }

  #store(network: Network): RemoteStore {
    return new RemoteStore(network, {
      endpoint: this.#endpoint(),
      subject: controlPlaneSubject,
      timeoutMs: callTimeoutMs,
    })
  }

  #call(network: Network, method: string, body: Json): Promise<Json> {
    return network.call(this.#endpoint(), method, body, {
      timeoutMs: callTimeoutMs,
      expectSubject: controlPlaneSubject,
    })
  }

  #endpoint() {
    const { host, port } = this.#sim.estate.controlPlane
    return { address: this.#sim.host(host).address, port }
  }
}

const wishes = { paused: pauseRun, continued: continueRun, 'cancel-requested': cancelRun } as const
const subjects = ['prn_operator', 'prn_approver'] as const
