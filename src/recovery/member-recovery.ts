import type { Json } from '../domain/canonical-json.ts'
import { lsnOf, parseSegmentName } from '../capture/wal-position.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type {
  DatabaseRecovery,
  OwnedInvariant,
  RecoveryGoal,
  RecoveryStage,
  StageReport,
  WantedGoal,
} from '../ports/database-recovery.ts'
import type { IsolatedDatabase, ReplacedDatabase } from '../ports/isolated-database.ts'
import type { Log } from '../ports/log.ts'
import type { RecoveryAccess } from '../ports/recovery-source.ts'
import type { RestoreDirectory } from '../ports/restore-target.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import { chooseGoal } from './choose-goal.ts'
import { exportAfterGoal } from './export-after-goal.ts'
import { goalStanding } from './goal-standing.ts'
import type { GoalStanding } from './goal-standing.ts'
import { readCopies } from './read-copies.ts'
import type { ReadCopies } from './read-copies.ts'
import { replayToGoal } from './replay-to-goal.ts'
import { restoreCopy } from './restore-copy.ts'
import { sequencesAfterGoal } from './wal-after-goal.ts'

export interface RecoveryEffects {
  readonly clock: Clock
  readonly log: Log
  readonly verifier: SignatureVerifier
  /** An empty directory of this host, for the server's user. */
  openTarget(directory: string): RestoreDirectory
}

/** How one member's database is brought back on its host. */
export interface MemberRecovery {
  readonly component: string
  readonly access: RecoveryAccess
  readonly isolated: IsolatedDatabase
  readonly replaced: ReplacedDatabase
  readonly effects: RecoveryEffects
}

export function openMemberRecovery(setting: MemberRecovery): DatabaseRecovery {
  return new Recovery(setting)
}

class Recovery implements DatabaseRecovery {
  readonly #setting: MemberRecovery

  constructor(setting: MemberRecovery) {
    this.#setting = setting
  }

  async choose(wanted: WantedGoal): Promise<RecoveryGoal> {
    const { catalogue, snapshots } = await this.#read()
    const { component } = this.#setting
    // As the vault's host lists them: one that was taken by hand for no estate gets no receipt.
    const own = snapshots.filter(({ source }) => source.component === component && source.estate !== null)
    const backups = catalogue.backups.filter(({ id }) => own.some(({ snapshot }) => snapshot === id))
    return await chooseGoal({ ...catalogue, backups }, wanted)
  }

  async resolve(goal: RecoveryGoal): Promise<StageReport> {
    const { standing } = await this.#copies(goal)
    return standingReport(standing)
  }

  async report(run: string, stage: RecoveryStage): Promise<StageReport | undefined> {
    return await this.#setting.isolated.readReport(run, stage)
  }

  async export(run: string, goal: RecoveryGoal): Promise<void> {
    if (await this.#isDone(run, 'exported')) return
    const { isolated, replaced, effects } = this.#setting
    const read = async () => await this.#copies(goal)
    const report = await exportAfterGoal(run, { read, replaced, clock: effects.clock })
    await isolated.writeReport(run, 'exported', report)
  }

  async restore(run: string, goal: RecoveryGoal): Promise<void> {
    if (await this.#isDone(run, 'restored')) return
    const { component, access, isolated, replaced, effects } = this.#setting
    const keyring = await access.key(component)
    const { copies, standing } = await this.#copies(goal)
    const report = await restoreCopy(run, goal, {
      copies,
      standing,
      keyring,
      isolated,
      replaced,
      openTarget: (directory) => effects.openTarget(directory),
      log: effects.log,
    })
    const manifest = copies.snapshots.find(({ snapshot }) => snapshot === goal.snapshot)?.digest ?? ''
    await isolated.writeReport(run, 'restored', { ...report, manifest })
  }

  async replay(run: string, goal: RecoveryGoal): Promise<void> {
    if (await this.#isDone(run, 'replayed')) return
    const { isolated, effects } = this.#setting
    const { standing } = await this.#copies(goal)
    const { clock, log } = effects
    const report = await replayToGoal(run, { standing, isolated, clock, log })
    await isolated.writeReport(run, 'replayed', report)
  }

  async check(run: string, goal: RecoveryGoal, invariants: readonly OwnedInvariant[]): Promise<void> {
    if (await this.#isDone(run, 'checked')) return
    const { isolated, replaced } = this.#setting
    const { copies, standing } = await this.#copies(goal)
    const timeline = await isolated.open(run, standing.goal)
    const known = Math.max(await replaced.newestTimeline(), ...knownTimelines(copies))
    if (timeline <= known) throw timelineTaken(timeline, known)
    const found = await isolated.inspect(run, invariants)
    if (found.problems.length > 0) throw checkFailed(found.problems)
    await isolated.writeReport(run, 'checked', { timeline, ...(found as unknown as StageReport) })
  }

  async finish(run: string, goal: RecoveryGoal): Promise<void> {
    if (await this.#isDone(run, 'finished')) return
    const { isolated, replaced } = this.#setting
    const { copies, standing } = await this.#copies(goal)
    const exported = await isolated.readReport(run, 'exported')
    const after = await sequencesAfterGoal(copies, standing, replaced)
    const named = sequencesIn(exported)
    await isolated.open(run, standing.goal)
    const { raised, unknownFiles } = await isolated.raiseSequences(run, named, after.files)
    const { timeline, shutdownLsn } = await isolated.stop(run)
    await isolated.writeReport(run, 'finished', {
      timeline,
      shutdownLsn,
      sequences: raised,
      sequencesKnownUntil: after.until,
      sequencesOfUnknownFiles: unknownFiles,
    })
  }

  async install(run: string): Promise<void> {
    if (await this.#isDone(run, 'installed')) return
    const { isolated } = this.#setting
    if ((await isolated.readReport(run, 'finished')) === undefined) throw outOfOrder('finished')
    await isolated.writeReport(run, 'installed', await isolated.install(run))
  }

  async exists(run: string): Promise<boolean> {
    return await this.#setting.isolated.exists(run)
  }

  async discard(run: string): Promise<void> {
    await this.#setting.isolated.discard(run)
  }

  /** An effect that was asked for again after it took effect has none. */
  async #isDone(run: string, stage: RecoveryStage): Promise<boolean> {
    return (await this.#setting.isolated.readReport(run, stage)) !== undefined
  }

  async #copies(
    goal: RecoveryGoal,
  ): Promise<{ readonly copies: ReadCopies; readonly standing: GoalStanding }> {
    const copies = await this.#read()
    return { copies, standing: await goalStanding(copies.catalogue, goal) }
  }

  async #read(): Promise<ReadCopies> {
    const { component, access, effects } = this.#setting
    const [source, keyring] = await Promise.all([access.source(component), access.key(component)])
    return await readCopies(source, keyring, effects.verifier)
  }
}

/** What can be said of a goal at this moment; the commits behind it grow as long as anybody writes. */
function standingReport({ goal, undone, undoneFrom, lastIn, firstOut, newest }: GoalStanding): StageReport {
  const { commits, firstMicroseconds, lastMicroseconds } = undone
  return {
    timeline: goal.timeline,
    commitsAfter: commits,
    undoneFrom: lsnOf(undoneFrom),
    newestTimeline: newest.timeline,
    lastIn: lastIn === undefined ? null : { xid: lastIn.xid, lsn: lsnOf(lastIn.start) },
    firstOut: firstOut === undefined ? null : { xid: firstOut.xid, lsn: lsnOf(firstOut.start) },
    ...(firstMicroseconds === undefined || lastMicroseconds === undefined
      ? {}
      : { undoneFirstMicroseconds: firstMicroseconds, undoneLastMicroseconds: lastMicroseconds }),
  }
}

function knownTimelines({ catalogue, histories, identity, ledger }: ReadCopies): readonly number[] {
  const named = ledger.flatMap((entry) =>
    entry.kind === 'segment' ? (parseSegmentName(entry.segment, identity.segmentBytes)?.timeline ?? []) : [],
  )
  const newest = named.reduce((highest, timeline) => Math.max(highest, timeline), 0)
  return [newest, ...histories.keys(), ...catalogue.ends.keys()]
}

function sequencesIn(exported: StageReport | undefined) {
  const listed = exported?.['sequences']
  if (!Array.isArray(listed)) return []
  const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
  return listed.flatMap((one: Json) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return []
    const { database, schema, name, value } = one as Readonly<Record<string, Json>>
    return [
      {
        database: text(database),
        schema: text(schema),
        name: text(name),
        value: text(value),
        lowest: text(value),
      },
    ]
  })
}

function timelineTaken(timeline: number, known: number): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_TIMELINE_TAKEN',
    class: 'permanent',
    message: `the copy opened on timeline ${timeline}, and there is a timeline ${known} already`,
    hint: 'history files are missing in the archive: look at `pointzero points --verify`, then plan again',
  })
}

function checkFailed(problems: readonly string[]): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_CHECK_FAILED',
    class: 'permanent',
    message: `the restored copy is not what it should be: ${problems.slice(0, 5).join('; ')}`,
    hint: 'take an earlier point, or another snapshot: `pointzero points`',
    context: { problems: problems.length },
  })
}

function outOfOrder(stage: RecoveryStage): RecoveryError {
  return new RecoveryError({
    code: 'RECOVERY_OUT_OF_ORDER',
    class: 'permanent',
    message: `the copy is not ${stage}: it is not put anywhere`,
    hint: 'see what is missing with `pointzero show <run>`',
  })
}
