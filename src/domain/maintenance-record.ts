import type { ComponentId, RunId } from './id.ts'

/** What the control store holds about maintenance. Absent: it was never on. Written at the end of a run, when every door was seen. */
export interface MaintenanceRecord {
  readonly format: 'pointzero/maintenance/1'
  readonly on: boolean
  /** Of the maintenance scope, when it was written: agents take no older news. */
  readonly epoch: number
  /** The gates that are closed while it is on. */
  readonly gates: readonly ComponentId[]
  /** What clients are told, where the protocol has room for it. */
  readonly message: string
  /** When it was switched; while it is on, when it went on first. */
  readonly sinceMs: number
  readonly run: RunId
  readonly requestedBy: string
  readonly approvedBy: readonly string[]
}

/** What agents are told with each heartbeat; epoch 0: it was never on. */
export interface MaintenanceNews {
  readonly epoch: number
  /** Gates whose doors are shut. */
  readonly shut: readonly string[]
  readonly message: string
}

export function maintenanceNews(record: MaintenanceRecord | undefined): MaintenanceNews {
  if (record === undefined) return { epoch: 0, shut: [], message: '' }
  return { epoch: record.epoch, shut: record.on ? record.gates : [], message: record.message }
}
