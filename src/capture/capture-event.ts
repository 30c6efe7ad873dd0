import type { ErrorRecord } from '../domain/recovery-error.ts'
import type { ReceiveProgress } from './receive-timeline.ts'

/** What the receiver tells the process around it: plain data, it crosses a thread boundary. */
export type CaptureEvent =
  | {
      readonly kind: 'connected'
      readonly source: string
      readonly timeline: number
      readonly start: number
      readonly major: number
    }
  /** Not more often than the process can use; the last one before another event is never left out. */
  | ({ readonly kind: 'progress'; readonly timeline: number } & ReceiveProgress)
  | { readonly kind: 'segment'; readonly name: string }
  | { readonly kind: 'history'; readonly timeline: number }
  | { readonly kind: 'timeline-left'; readonly timeline: number; readonly next: number; readonly at: number }
  /** `bytes` is what max_slot_wal_keep_size allows; absent: nothing stops the slot from filling the server's disk. */
  | { readonly kind: 'slot-limit'; readonly bytes?: number }
  /** The server threw away WAL that was not received: there is a hole from `from` to `to`. */
  | { readonly kind: 'gap'; readonly timeline: number; readonly from: number; readonly to: number }
  | {
      readonly kind: 'conflict'
      readonly segment: string
      readonly position: string
      readonly path: string
      readonly sha256: string
    }
  /** Not receiving; it is tried again. */
  | { readonly kind: 'interrupted'; readonly error: ErrorRecord }
