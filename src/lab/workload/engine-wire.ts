import type { Order } from './order.ts'

/** One JSON object a line, replies in any order; `id` says which order a reply belongs to. */
export type EngineRequest =
  | { readonly type: 'order'; readonly order: Order }
  /** What the engine's state is now. */
  | { readonly type: 'status' }

export type EngineReply = OrderReply | EngineStatus

export interface OrderReply {
  readonly type: 'outcome'
  readonly id: string
  /**
   * `acked`: it is in the ledger, and the commit was confirmed under the synchronous rule. `refused`: certainly not executed.
   * `unknown`: it may have been executed; send it again with the same id.
   */
  readonly outcome: 'acked' | 'refused' | 'unknown'
  readonly sequence?: number
  readonly fills?: number
  /** Address and timeline of the member that confirmed the commit. Absent when an earlier commit is acknowledged again. */
  readonly server?: string
  readonly timeline?: number
  readonly reason?: string
}

export interface EngineStatus {
  readonly type: 'status'
  readonly ready: boolean
  readonly epoch: number
  readonly sequence: number
  readonly stateHash: string
}
