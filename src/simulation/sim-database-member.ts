import type { CanaryReceipt, DatabaseMember, MemberObservation, Upstream } from '../ports/database-member.ts'
import type { Lsn } from '../domain/lsn.ts'
import type { EventLoop } from './event-loop.ts'
import { observePostgres } from './postgres-observation.ts'
import { isPrimary, outcomeUnknown, permanent, transient } from './postgres-problem.ts'
import { rejoinDirectory } from './postgres-rejoin.ts'
import type { SimLinks } from './sim-links.ts'
import type { CommitResult, SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import { lsnText } from './wal-record.ts'

export interface MemberDriverSetting {
  readonly loop: EventLoop
  readonly links: SimLinks
  readonly random: SimRandom
  readonly servers: readonly SimPostgres[]
  /** Transaction id of the next canary row. */
  readonly nextCanary: () => number
}

/** `atEnd` takes what is to be undone once the outcome is known. */
type Attempt<T> = (
  done: (value: T) => void,
  fail: (error: Error) => void,
  atEnd: (clean: () => void) => void,
) => void

/** A session that a stopped postmaster does not answer is given up after this long. */
const connectLimitUs = 1_000_000
/** How long an upstream is asked what it holds before it counts as away. */
const answerLimitUs = 3_000_000
const streamLimitUs = 15_000_000

/** An agent's driver for the simulated member beside it. A new one per agent process; the server outlives it. */
export class SimDatabaseMember implements DatabaseMember {
  readonly name: string
  readonly #setting: MemberDriverSetting
  readonly #process: SimProcess
  readonly #server: SimPostgres
  #writesCanary = false

  constructor(setting: MemberDriverSetting, process: SimProcess, server: SimPostgres) {
    this.#setting = setting
    this.#process = process
    this.#server = server
    this.name = server.name
  }

  observe(): Promise<MemberObservation> {
    return this.#ask(
      (done) => done(observePostgres(this.#server)),
      (settle) => settle({ role: 'unknown' }),
    )
  }

  onPostmasterExit(listener: () => void): void {
    const forget = this.#server.onExit(() => {
      this.#setting.loop.after(this.#latencyUs(), () => this.#process.resume(listener))
    })
    this.#process.onExit(() => forget())
  }

  startAsStandby(): Promise<void> {
    const server = this.#server
    return this.#command((done, fail, atEnd) => {
      if (server.directory.systemIdentifier === '' || server.directory.isDamaged) {
        fail(permanent('PG_NOT_INITIALISED', `${server.name}: no cluster that could be started`))
      } else if (server.isRunning) {
        this.#awaitSessions(done, fail)
      } else {
        server.directory.standbySignal = true
        server.start(() => done())
        this.#failOnExit(fail, atEnd)
      }
    })
  }

  stopImmediate(): Promise<void> {
    return this.#command((done) => {
      this.#server.kill()
      done()
    })
  }

  stopClean(): Promise<{ readonly shutdownLsn: Lsn; readonly timeline: number }> {
    const server = this.#server
    return this.#command((done, fail) => {
      const report = (): void => {
        const { shutdownLsn, timeline } = server.directory
        if (shutdownLsn === undefined)
          fail(permanent('PG_NOT_CLEAN', `${server.name} was not shut down in an orderly way`))
        else done({ shutdownLsn: lsnText(shutdownLsn), timeline })
      }
      if (!server.isRunning) {
        report()
        return
      }
      const forget = server.onExit(() => {
        forget()
        report()
      })
      server.process?.deliver(() => server.shutDown())
    })
  }

  /** The receiver is looked for four times, 20 ms apart, before it counts as gone. */
  detach(): Promise<void> {
    return this.#effect((server, done, fail) => {
      if (server.mode === 'primary') {
        fail(permanent('PG_NOT_A_STANDBY', `${server.name} is no standby`))
        return
      }
      server.setUpstream(undefined)
      this.#setting.loop.after(80_000, done)
    })
  }

  follow(upstream: Upstream): Promise<void> {
    const endpoint = { address: upstream.address, port: upstream.port }
    const { loop, servers, links } = this.#setting
    return this.#effect((server, done, fail) => {
      const found = servers.find(
        ({ host, port }) => host.address === upstream.address && port === upstream.port,
      )
      const answers =
        found?.isRunning === true &&
        found.process?.isPaused === false &&
        links.connects(server.host, found.host)
      if (server.mode === 'primary') fail(permanent('PG_NOT_A_STANDBY', `${server.name} is no standby`))
      else if (server.isRunning && !answers) {
        loop.after(answerLimitUs, () => fail(transient(`${upstream.name} does not answer`)))
      } else if (server.isRunning && found?.mode === 'primary' && !isSameHistory(server, found)) {
        fail(permanent('PG_DIVERGED', `${server.name} has what ${found.name} has not`))
      } else {
        server.setUpstream(endpoint)
        if (server.isRunning) awaitStreaming(loop, server, loop.nowUs + streamLimitUs, done, fail)
        else done()
      }
    })
  }

  setSynchronous(names: readonly string[], count: number): Promise<void> {
    return this.#session((done) => {
      this.#server.setSynchronous([...names], count)
      done()
    })
  }

  refuseWrites(): Promise<void> {
    return this.#session((done) => {
      this.#server.refuseWrites()
      done()
    })
  }

  acceptWrites(): Promise<void> {
    return this.#session((done) => {
      this.#server.refusesWrites = false
      done()
    })
  }

  promote(): Promise<void> {
    const server = this.#server
    return this.#session<void>((done, fail, atEnd) => {
      this.#setting.loop.after(this.#setting.random.between(20_000, 600_000), () => {
        server.process?.deliver(() => {
          server.promote()
          server.directory.upstream = undefined
          done()
        })
      })
      this.#failOnExit(fail, atEnd)
    })
  }

  checkpoint(): Promise<void> {
    return this.#session((done) => {
      this.#server.checkpoint()
      done()
    })
  }

  rejoin(upstream: Upstream): Promise<{ readonly method: 'unchanged' | 'rewind' | 'clone' }> {
    return this.#command((done, fail) => {
      rejoinDirectory(this.#setting, { process: this.#process, server: this.#server, upstream, done, fail })
    })
  }

  /** One at a time. */
  writeCanary(_wallMs: number, timeoutMs: number): Promise<CanaryReceipt> {
    if (this.#writesCanary)
      return Promise.reject(transient(`${this.name}: the canary before this one still waits`))
    this.#writesCanary = true
    const counter = this.#setting.nextCanary()
    return this.#ask(
      (done, fail, atEnd) => {
        const told = (result: CommitResult): void => {
          if (result === 'acknowledged') done({ counter })
          else if (result === 'read-only') fail(permanent('PG_SQL_FAILED', `${this.name} is no primary`))
          else fail(outcomeUnknown(this.name))
        }
        this.#server.commit(counter, told, true)
        this.#failOnExit(fail, atEnd)
      },
      (_settle, fail) => fail(outcomeUnknown(this.name)),
      timeoutMs * 1000,
      () => {
        this.#writesCanary = false
      },
    )
  }

  /** Needs a postmaster that answers. */
  #session<T>(attempt: Attempt<T>): Promise<T> {
    return this.#ask((done, fail, atEnd) => {
      const { mode } = this.#server
      if (mode === 'primary' || mode === 'standby') attempt(done, fail, atEnd)
      else fail(transient(`${this.name} is ${mode}`))
    })
  }

  /** Through a session while it runs; on the disk when it does not. */
  #effect(
    apply: (server: SimPostgres, done: () => void, fail: (error: Error) => void) => void,
  ): Promise<void> {
    const server = this.#server
    if (server.isRunning) return this.#session<void>((done, fail) => apply(server, done, fail))
    return this.#command<void>((done, fail) => apply(server, done, fail))
  }

  #ask<T>(
    attempt: Attempt<T>,
    onSilence: (settle: (value: T) => void, fail: (error: Error) => void) => void = (_settle, fail) =>
      fail(transient(`${this.name} does not answer`)),
    limitUs = connectLimitUs,
    ended: () => void = () => {},
  ): Promise<T> {
    const { loop } = this.#setting
    return this.#settling((done, fail, atEnd) => {
      const { process } = this.#server
      const silence = loop.after(limitUs, () => onSilence(done, fail))
      atEnd(() => loop.cancel(silence))
      atEnd(ended)
      if (process === undefined) attempt(done, fail, atEnd)
      else process.deliver(() => attempt(done, fail, atEnd))
    })
  }

  /** Signals and files: works whether the postmaster answers or not. */
  #command<T>(attempt: Attempt<T>): Promise<T> {
    return this.#settling(attempt)
  }

  /** What was sent happens even if this agent dies; it hears of the outcome only while it lives. */
  #settling<T>(attempt: Attempt<T>): Promise<T> {
    const { loop } = this.#setting
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let settled = false
    const cleaning: (() => void)[] = []
    const once = (settle: () => void): void => {
      if (settled) return
      settled = true
      for (const clean of cleaning) clean()
      loop.after(this.#latencyUs(), () => this.#process.resume(settle))
    }
    const done = (value: T): void => once(() => resolve(value))
    const fail = (error: Error): void => once(() => reject(error))
    loop.after(this.#latencyUs(), () => {
      if (this.#process.host.isUp) attempt(done, fail, (clean) => cleaning.push(clean))
    })
    return promise
  }

  #awaitSessions(done: () => void, fail: (error: Error) => void): void {
    const { mode } = this.#server
    if (mode === 'standby') done()
    else if (mode === 'starting') this.#setting.loop.after(20_000, () => this.#awaitSessions(done, fail))
    else fail(isPrimary(this.name))
  }

  #failOnExit(fail: (error: Error) => void, atEnd: (clean: () => void) => void): void {
    const { process } = this.#server
    if (process === undefined) fail(transient(`${this.name} does not run`))
    else atEnd(process.onExit(() => fail(outcomeUnknown(this.name))))
  }

  #latencyUs(): number {
    return this.#setting.random.between(200, 2000)
  }
}

function awaitStreaming(
  loop: EventLoop,
  server: SimPostgres,
  untilUs: number,
  done: () => void,
  fail: (error: Error) => void,
): void {
  if (server.receiver !== undefined) done()
  else if (!server.isRunning || loop.nowUs > untilUs) fail(transient(`nothing streams to ${server.name} yet`))
  else loop.after(20_000, () => awaitStreaming(loop, server, untilUs, done, fail))
}

/** By timeline and position, then by content. */
function isSameHistory(own: SimPostgres, upstream: SimPostgres): boolean {
  const newest = own.wal.length - 1
  return upstream.directory.covers(own.directory) && own.wal[newest] === upstream.wal[newest]
}
