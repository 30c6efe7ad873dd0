import type { Json } from '../domain/canonical-json.ts'

/** Where a peer listens: an IP literal or name, and a TCP port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** Who is on the other side, proved by its certificate: `hst_…` for an agent, `prn_…` for a person or the control plane. */
export interface Peer {
  readonly subject: string
}

export interface CallOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** When given, the call fails unless the peer proves this identity (`hst_…` or `prn_…`). */
  readonly expectSubject?: string
}

export type CallHandler = (method: string, body: Json, peer: Peer) => Promise<Json>

/**
 * Request and reply between Pointzero processes: mutually authenticated HTTPS in the real World.
 *
 * `call` fails with a RecoveryError:
 * - NETWORK_UNREACHABLE (transient): the request was certainly not delivered;
 * - NETWORK_REPLY_LOST (unknown-outcome): it may have been performed (time-out after sending, connection lost);
 * - otherwise the error that the handler on the other side threw, with its own code and class.
 */
export interface Network {
  call(to: Endpoint, method: string, body: Json, options: CallOptions): Promise<Json>
  /** Resolves once listening. Closing drops what is in flight. */
  serve(on: Endpoint, handler: CallHandler): Promise<Listener>
}

export interface Listener {
  readonly port: number
  close(): Promise<void>
}
