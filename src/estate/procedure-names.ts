/** Procedures that an estate may name. Which of them this version can run is `src/estate/built-recoveries.ts`. */
export const procedureNames: ReadonlySet<string> = new Set([
  'adoption',
  'zone-failover',
  'region-failover',
  'switchover',
  'reprotect',
  'failback',
  'point-in-time-recovery',
  'component-restore',
  'queue-replay',
  'event-store-recovery',
  'cold-restore',
  'backup',
  'backup-verification',
  'drill',
  'synchronous-capture',
  'maintenance',
])
