import type { Json } from '../domain/canonical-json.ts'
import type { Log } from '../ports/log.ts'
import type { CallHandler, CallOptions, Endpoint, Listener, Network } from '../ports/network.ts'
import type { TlsIdentity } from './certificates.ts'
import { HttpsCaller } from './https-caller.ts'
import { listenHttps } from './https-listener.ts'

/** Request and reply over HTTP/1.1 and mutually authenticated TLS 1.3; both sides pin the estate's authority and nothing else. */
export class HttpsNetwork implements Network {
  readonly #identity: TlsIdentity
  readonly #log: Log
  readonly #caller: HttpsCaller

  constructor(identity: TlsIdentity, log: Log) {
    this.#identity = identity
    this.#log = log
    this.#caller = new HttpsCaller(identity)
  }

  async call(to: Endpoint, method: string, body: Json, options: CallOptions): Promise<Json> {
    return await this.#caller.call(to, method, body, options)
  }

  async serve(on: Endpoint, handler: CallHandler): Promise<Listener> {
    return await listenHttps(this.#identity, on, handler, this.#log)
  }

  /** Drops the connections that are kept for the next call. */
  close(): void {
    this.#caller.close()
  }
}
