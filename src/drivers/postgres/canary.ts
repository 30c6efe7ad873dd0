import { createHmac } from 'node:crypto'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { Clock } from '../../ports/clock.ts'
import { withDeadline } from './deadline.ts'
import type { CanaryReceipt } from '../../ports/database-member.ts'
import type { PostgresMemberConfig } from './member-config.ts'
import { outcomeUnknown, sqlStateOf, unreachable } from './postgres-failure.ts'
import { PostgresSession } from './postgres-session.ts'
import type { SessionTarget } from './postgres-session.ts'

/** Rows kept; older ones go with every 64th write. */
const keptRows = 10_000
/** Writers left behind on the server, each still waiting for an acknowledgement and each holding a connection. */
const abandonedMax = 3

const createLedger = `
create schema if not exists pointzero_canary;
create table if not exists pointzero_canary.ledger (
  counter bigint primary key, wall_ms bigint not null, hmac bytea not null
)`
const newest = 'select coalesce(max(counter), 0)::text as counter from pointzero_canary.ledger'
const insert = 'insert into pointzero_canary.ledger (counter, wall_ms, hmac) values ($1, $2, $3)'
const insertAndPrune = `with old as (delete from pointzero_canary.ledger where counter <= $1 - ${keptRows}) ${insert}`
const waiting = `select count(*)::int as count from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()`

/** Appends to the canary ledger on a connection of its own. Counters are dense: a missing one below the newest is a lost row. */
export class CanaryWriter {
  readonly #config: PostgresMemberConfig
  readonly #clock: Clock
  readonly #target: SessionTarget
  #session: PostgresSession | undefined
  #next: number | undefined
  #underWay: Promise<void> | undefined

  constructor(config: PostgresMemberConfig, clock: Clock, target: SessionTarget) {
    this.#config = config
    this.#clock = clock
    // In the startup packet, where it wins over the settings of the server, of roles and of databases.
    const settings = { synchronous_commit: 'on', default_transaction_read_only: 'off' }
    this.#target = { ...target, applicationName: 'pointzero-canary', settings }
  }

  /** Resolves when the row was acknowledged under the synchronous rule of the server. One at a time: a second one waits for the first. */
  async write(wallMs: number, timeoutMs: number): Promise<CanaryReceipt> {
    const end = this.#clock.monotonicMs() + timeoutMs
    const left = (): number => Math.max(1, end - this.#clock.monotonicMs())
    const late = (): Error => unreachable(this.#config.name, 'the canary before this one still waits')
    while (this.#underWay !== undefined) await withDeadline(this.#clock, left(), this.#underWay, late)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#underWay = promise
    try {
      const session = await this.#open(left)
      return (
        (await this.#append(session, wallMs, left)) ??
        (await this.#append(session, wallMs, left)) ??
        this.#taken()
      )
    } finally {
      this.#underWay = undefined
      resolve()
    }
  }

  close(): void {
    this.#session?.close()
    this.#session = undefined
    this.#next = undefined
  }

  async #open(left: () => number): Promise<PostgresSession> {
    if (this.#session?.broken === false) return this.#session
    const session = await PostgresSession.open(this.#clock, this.#target, left())
    try {
      const [row] = await session.query<{ count: number }>(waiting, [this.#target.applicationName], left())
      if ((row?.count ?? 0) >= abandonedMax) {
        throw unreachable(
          this.#config.name,
          `${row?.count} earlier canaries still wait for an acknowledgement`,
        )
      }
      const [ledger] = await session.query<{ missing: boolean }>(
        `select to_regclass('pointzero_canary.ledger') is null as missing`,
        [],
        left(),
      )
      if (ledger?.missing === true) await session.query(createLedger, [], left())
    } catch (error) {
      session.close()
      throw error
    }
    this.#session = session
    return session
  }

  async #readNext(session: PostgresSession, timeoutMs: number): Promise<number> {
    const [row] = await session.query<{ counter: string }>(newest, [], timeoutMs)
    return Number(row?.counter ?? '0') + 1
  }

  /** `undefined` when the counter is in the ledger already: by an abandoned writer, or from a time when another member led. */
  async #append(
    session: PostgresSession,
    wallMs: number,
    left: () => number,
  ): Promise<CanaryReceipt | undefined> {
    const counter = this.#next ?? (await this.#readNext(session, left()))
    // Taken before it is tried: whether a write that failed is in the ledger is not known.
    this.#next = counter + 1
    const warnings = session.warnings
    try {
      const text = counter % 64 === 0 ? insertAndPrune : insert
      await session.query(text, [counter, wallMs, this.#hmac(counter, wallMs)], left())
    } catch (error) {
      if (sqlStateOf((error as Error).cause) === '23505') {
        this.#next = undefined
        return undefined
      }
      if (!(error instanceof RecoveryError) || error.class !== 'transient') throw error
      throw outcomeUnknown(this.#config.name, `canary ${counter} may be committed: ${error.message}`, error)
    }
    if (session.warnings === warnings) return { counter }
    throw outcomeUnknown(this.#config.name, `canary ${counter} is soft: its wait for a standby was cancelled`)
  }

  #taken(): never {
    throw unreachable(this.#config.name, 'somebody else writes canaries at the same time')
  }

  #hmac(counter: number, wallMs: number): Buffer {
    return createHmac('sha256', this.#config.canaryKey).update(`${counter}:${wallMs}`).digest()
  }
}
