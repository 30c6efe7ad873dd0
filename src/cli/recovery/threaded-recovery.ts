import { askWorkerThread } from '../../platform/worker-thread.ts'
import type { DatabaseRecovery, RecoveryGoal, StageReport } from '../../ports/database-recovery.ts'
import type { RecoveryWork } from './recovery-worker.ts'

/** The member of an agent, as its threads find it again. */
export type RecoveredMember = Pick<RecoveryWork, 'configFile' | 'estate' | 'component' | 'member'>

/** Looks and moves here; what takes long or computes much in a thread. Both find all they need on disk, so they need not know of each other. */
export function threadedRecovery(here: DatabaseRecovery, of: RecoveredMember): DatabaseRecovery {
  const inThread = async (work: Omit<RecoveryWork, keyof RecoveredMember>): Promise<StageReport> =>
    await askWorkerThread(new URL('./recovery-worker.ts', import.meta.url), { ...of, ...work })
  const stage =
    (effect: 'export' | 'restore' | 'replay' | 'finish'): DatabaseRecovery['restore'] =>
    async (run, goal) =>
      void (await inThread({ effect, run, goal, invariants: [] }))
  return {
    choose: async (wanted) =>
      (await inThread({
        effect: 'choose',
        run: '',
        goal: wanted,
        invariants: [],
      })) as unknown as RecoveryGoal,
    resolve: async (goal) => await inThread({ effect: 'resolve', run: '', goal, invariants: [] }),
    report: async (run, wanted) => await here.report(run, wanted),
    export: stage('export'),
    restore: stage('restore'),
    replay: stage('replay'),
    check: async (run, goal, invariants) => void (await inThread({ effect: 'check', run, goal, invariants })),
    finish: stage('finish'),
    install: async (run) => await here.install(run),
    exists: async (run) => await here.exists(run),
    discard: async (run) => await here.discard(run),
  }
}
