import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError, fromErrorRecord, toErrorRecord } from '../domain/recovery-error.ts'
import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { CallHandler, CallOptions, Endpoint, Listener, Network } from '../ports/network.ts'
import { copyJson } from './copy-json.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimHost } from './sim-host.ts'
import type { SimLinks } from './sim-links.ts'
import type { SimProcess } from './sim-process.ts'
import type { ObservedCall } from './store-invariants.ts'

interface Listening {
  readonly process: SimProcess
  readonly subject: string
  readonly handler: CallHandler
}

type Answer = { readonly ok: true; readonly body: Json } | { readonly ok: false; readonly error: ErrorRecord }

/** Every listener of the simulated network, and the way that requests and replies take. */
export class SimSwitchboard {
  readonly #loop: EventLoop
  readonly links: SimLinks
  readonly #listeners = new Map<string, Listening>()
  #lateDeliveries: { readonly from: SimHost; readonly to: SimHost; readonly deliver: () => void }[] = []
  /** Told of every error of class `bug` that crosses the network. */
  onBug: (error: ErrorRecord) => void = () => {}
  onReplyLost: (call: { readonly method: string; readonly body: Json }) => void = () => {}
  /** Replies still to be lost, by method. */
  readonly repliesToLose = new Map<string, number>()
  /** Told when a request arrives after the cut that swallowed it. */
  onLate: () => void = () => {}
  /** Told of every request that reaches a handler; what it returns is told whether it went well. */
  onCall: (call: ObservedCall) => (ok: boolean, code: string) => void = () => () => {}

  constructor(loop: EventLoop, links: SimLinks) {
    this.#loop = loop
    this.links = links
    links.onChange(() => this.#deliverLate())
  }

  network(process: SimProcess, subject: string): Network {
    return {
      call: (to, method, body, options) => this.#call(process, subject, to, method, body, options),
      serve: (on, handler) => this.#serve(process, subject, on, handler),
    }
  }

  #serve(process: SimProcess, subject: string, on: Endpoint, handler: CallHandler): Promise<Listener> {
    const key = `${process.host.address}:${on.port}`
    const occupant = this.#listeners.get(key)
    if (occupant?.process.isAlive === true) return Promise.reject(portInUse(key))
    const listening = { process, subject, handler }
    this.#listeners.set(key, listening)
    const close = async (): Promise<void> => {
      if (this.#listeners.get(key) === listening) this.#listeners.delete(key)
    }
    return Promise.resolve({ port: on.port, close })
  }

  #call(
    process: SimProcess,
    subject: string,
    to: Endpoint,
    method: string,
    body: Json,
    options: CallOptions,
  ): Promise<Json> {
    const { promise, resolve, reject } = Promise.withResolvers<Json>()
    const { host } = process
    const target = this.links.hostAt(to.address) ?? (to.address === '127.0.0.1' ? host : undefined)
    const where = `${method} at ${to.address}:${to.port}`
    let sent = false
    let settled = false
    const settle = (how: () => void): void => {
      if (settled) return
      settled = true
      this.#loop.cancel(timer)
      options.signal?.removeEventListener('abort', abort)
      how()
    }
    const fail = (error: () => RecoveryError): void => process.resume(() => settle(() => reject(error())))
    const abort = (): void => settle(() => reject(options.signal?.reason as Error))
    const timer = this.#loop.after((options.timeoutMs * 1000) / host.clockRate, () =>
      fail(() => (sent ? replyLost(where) : unreachable(where))),
    )
    options.signal?.addEventListener('abort', abort, { once: true })
    if (options.signal?.aborted === true) {
      abort()
      return promise
    }
    if (target === undefined) return promise
    const copy = copyJson(body)
    const answer = (reply: Answer): void => {
      process.resume(() =>
        settle(() => (reply.ok ? resolve(reply.body) : reject(fromErrorRecord(reply.error)))),
      )
    }
    const request = { from: process, subject, host, target, port: to.port, method, body: copy, options }
    const progress = {
      sent: () => {
        sent = true
      },
      refused: () => fail(() => unreachable(where)),
      reset: () => fail(() => replyLost(where)),
      answer,
    }
    this.#send(request, progress)
    return promise
  }

  #send(request: Request, progress: Progress): void {
    const { host, target } = request
    const { weather } = this.links
    const arrive = (isFirst: boolean) => (): void => this.#arrive(request, isFirst ? progress : silent)
    this.#loop.after(this.links.delayUs(host, target), () => {
      if (!this.links.passes(host, target) || (host !== target && this.links.loses(weather.lossRate))) {
        // A connection that stood before the cut takes the bytes and loses them; a new one is never established.
        if (this.links.loses(0.5)) progress.sent()
        if (this.links.loses(weather.lateRate) && !this.links.passes(host, target)) {
          progress.sent()
          this.#lateDeliveries.push({ from: host, to: target, deliver: arrive(false) })
        }
        return
      }
      arrive(true)()
      if (host !== target && this.links.loses(weather.duplicateRate)) {
        this.#loop.after(this.links.delayUs(target, host) * 4, arrive(false))
      }
    })
  }

  #arrive(request: Request, progress: Progress): void {
    const { host, target, options } = request
    const back = (run: () => void): void => {
      this.#loop.after(this.links.delayUs(target, host), () => {
        if (this.links.passes(target, host)) run()
        else this.onReplyLost(request)
      })
    }
    const listening = this.#listeners.get(`${target.address}:${request.port}`)
    if (listening === undefined || !listening.process.isAlive) {
      back(progress.refused)
      return
    }
    if (options.expectSubject !== undefined && options.expectSubject !== listening.subject) {
      back(() => progress.answer({ ok: false, error: toErrorRecord(wrongPeer(listening.subject)) }))
      return
    }
    progress.sent()
    const server = listening.process
    const forget = server.onExit(() => {
      if (server.host.isUp) back(progress.reset)
    })
    let answered = (_ok: boolean, _code: string): void => {}
    const reply = (answer: Answer): void => {
      if (!server.isAlive) return
      forget()
      answered(answer.ok, answer.ok ? '' : answer.error.code)
      if (!answer.ok && answer.error.class === 'bug') this.onBug(answer.error)
      if (host !== target && this.#losesReply(request.method)) this.onReplyLost(request)
      else back(() => progress.answer(answer))
    }
    server.resume(() => {
      answered = this.onCall({
        to: server.name,
        method: request.method,
        body: request.body,
        highestAccepted: 0,
      })
      listening.handler(request.method, request.body, { subject: request.subject }).then(
        (body) => reply({ ok: true, body: copyJson(body) }),
        (error: unknown) => reply({ ok: false, error: toErrorRecord(error) }),
      )
    })
  }

  #losesReply(method: string): boolean {
    const left = this.repliesToLose.get(method) ?? 0
    if (left > 0) this.repliesToLose.set(method, left - 1)
    return left > 0 || this.links.loses(this.links.weather.replyLossRate)
  }

  #deliverLate(): void {
    const ready = this.#lateDeliveries.filter(({ from, to }) => this.links.passes(from, to))
    if (ready.length === 0) return
    this.#lateDeliveries = this.#lateDeliveries.filter((late) => !ready.includes(late))
    for (const { from, to, deliver } of ready) {
      this.onLate()
      this.#loop.after(this.links.delayUs(from, to), deliver)
    }
  }
}

interface Request {
  readonly from: SimProcess
  readonly subject: string
  readonly host: SimHost
  readonly target: SimHost
  readonly port: number
  readonly method: string
  readonly body: Json
  readonly options: CallOptions
}

interface Progress {
  readonly sent: () => void
  readonly refused: () => void
  readonly reset: () => void
  readonly answer: (answer: Answer) => void
}

/** Nobody waits for the answer to a duplicate, or to a request that came late. */
const silent: Progress = { sent: () => {}, refused: () => {}, reset: () => {}, answer: () => {} }

function unreachable(where: string): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_UNREACHABLE',
    class: 'transient',
    message: `${where} was not reached`,
    hint: 'check the network between the hosts',
  })
}

function replyLost(where: string): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_REPLY_LOST',
    class: 'unknown-outcome',
    message: `no reply from ${where}; it may have been performed`,
    hint: 'the effect is observed before it is tried again',
  })
}

function wrongPeer(found: string): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_PEER_UNEXPECTED',
    class: 'refused',
    message: `the peer proves to be ${found}, another identity was expected`,
    hint: 'check the address in the estate',
  })
}

function portInUse(key: string): RecoveryError {
  return new RecoveryError({
    code: 'NETWORK_PORT_IN_USE',
    class: 'permanent',
    message: `${key} is served already`,
    hint: 'stop the other process',
  })
}
