import { openSync, writeSync } from 'node:fs'
import type { Order } from './order.ts'

export const clientLogFormat = 'pointzero/client-log/1'

/** Who kept this log. First line of the file. */
export interface ClientLogHeader {
  readonly format: typeof clientLogFormat
  readonly kind: 'header'
  readonly client: 'order-gateway' | 'raw-writer' | 'zone-prober'
  readonly run: string
  readonly host: string
  readonly seed: number
}

export type ClientLogEntry =
  /** Written before the request leaves, so that a client that dies has left its intent. */
  | { readonly kind: 'sent'; readonly id: string; readonly attempt: number; readonly order?: Order }
  | {
      readonly kind: 'outcome'
      readonly id: string
      readonly attempt: number
      readonly outcome: 'acked' | 'refused' | 'unknown'
      readonly sequence?: number
      readonly fills?: number
      readonly server?: string
      readonly timeline?: number
      readonly reason?: string
    }
  /** What a member said of itself, asked directly and not through a gate. */
  | { readonly kind: 'role'; readonly server: string; readonly role: 'primary' | 'standby' }
  /** The client ended in order: nothing is missing from this log. */
  | { readonly kind: 'end' }

export interface ClientLog {
  write(entry: ClientLogEntry): void
}

/** Every line is in the kernel before the call returns: it survives the death of this process. */
export function openClientLog(path: string, header: Omit<ClientLogHeader, 'format' | 'kind'>): ClientLog {
  const file = openSync(path, 'a', 0o644)
  const write = (entry: object): void => {
    writeSync(file, `${JSON.stringify({ ...entry, ...stamps() })}\n`)
  }
  write({ format: clientLogFormat, kind: 'header', ...header } satisfies ClientLogHeader)
  return { write }
}

/**
 * `wallMs` is for people. `monoMs` is the machine's monotonic clock, the same for all processes of one machine: the checker
 * computes with this one.
 */
export function stamps(): { readonly wallMs: number; readonly monoMs: number } {
  return { wallMs: Date.now(), monoMs: Number(process.hrtime.bigint() / 1000n) / 1000 }
}
