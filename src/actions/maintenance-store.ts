import { requireFormat } from '../domain/format.ts'
import type { MaintenanceRecord } from '../domain/maintenance-record.ts'
import { storeKeys } from '../engine/store-keys.ts'
import type { ControlStore } from '../ports/control-store.ts'

export interface MaintenanceEntry {
  readonly record: MaintenanceRecord | undefined
  readonly revision: number
}

export async function readMaintenance(store: ControlStore, estate: string): Promise<MaintenanceEntry> {
  const key = storeKeys(estate).maintenance
  const entry = await store.get(key)
  if (entry === undefined) return { record: undefined, revision: 0 }
  const record = JSON.parse(entry.value) as MaintenanceRecord
  requireFormat('maintenance', record.format, key)
  return { record, revision: entry.revision }
}
