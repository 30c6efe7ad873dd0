import { parseLsn } from '../../src/domain/lsn.ts'
import type {
  DatabaseRecovery,
  RecoveryGoal,
  RecoveryStage,
  StageReport,
  WantedGoal,
} from '../../src/ports/database-recovery.ts'

/** A recovery that has nothing to bring back: what was asked for is done at once and written down. */
export class MemoryRecovery implements DatabaseRecovery {
  readonly effects: string[] = []
  readonly #reports = new Map<string, StageReport>()

  async choose({ snapshot }: WantedGoal): Promise<RecoveryGoal> {
    const [lsn, reached] = [parseLsn('0/5000028'), parseLsn('0/5000028')]
    return { snapshot, timeline: 1, lsn, inclusive: true, reached }
  }
  async resolve(goal: RecoveryGoal): Promise<StageReport> {
    return { timeline: goal.timeline, commitsAfter: 3 }
  }
  async report(run: string, stage: RecoveryStage): Promise<StageReport | undefined> {
    return this.#reports.get(`${run} ${stage}`)
  }
  async export(run: string): Promise<void> {
    this.#done(run, 'exported', {})
  }
  async restore(run: string): Promise<void> {
    this.#done(run, 'restored', {})
  }
  async replay(run: string, goal: RecoveryGoal): Promise<void> {
    this.#done(run, 'replayed', { replayedLsn: goal.reached })
  }
  async check(run: string): Promise<void> {
    this.#done(run, 'checked', { timeline: 2 })
  }
  async finish(run: string): Promise<void> {
    this.#done(run, 'finished', { timeline: 2, shutdownLsn: '0/6000028' })
  }
  async install(run: string): Promise<void> {
    this.#done(run, 'installed', { kept: '/data.kept-1' })
  }
  async exists(run: string): Promise<boolean> {
    return [...this.#reports.keys()].some((key) => key.startsWith(`${run} `))
  }
  async discard(run: string): Promise<void> {
    this.effects.push(`discard ${run}`)
    for (const key of this.#reports.keys()) if (key.startsWith(`${run} `)) this.#reports.delete(key)
  }

  #done(run: string, stage: RecoveryStage, report: StageReport): void {
    this.effects.push(`${stage} ${run}`)
    this.#reports.set(`${run} ${stage}`, report)
  }
}
