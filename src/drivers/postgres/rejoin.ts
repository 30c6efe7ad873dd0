import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { lsnToBigint } from '../../domain/lsn.ts'
import type { Upstream } from '../../ports/database-member.ts'
import { buildConninfo } from './conninfo.ts'
import { readableControlFile, readControlFile } from './control-file.ts'
import type { PostgresEffects, PostgresMemberConfig } from './member-config.ts'
import { authorityOf, placedTls } from './member-tls.ts'
import {
  exists,
  giveAway,
  makeOwnedDirectory,
  readIfExists,
  removeDurably,
  replaceOwnedFile,
  syncDirectory,
} from './owned-file.ts'
import { freeName } from './kept-directories.ts'
import { identityRefused, permanent } from './postgres-failure.ts'
import {
  passFilePath,
  prepareSocketDirectory,
  writeSettings,
  writeUpstreamOnDisk,
} from './postgres-settings.ts'
import { runProgram } from './run-program.ts'
import { holdsSameWal } from './same-wal.ts'
import { writeStandbySignal } from './standby-signal.ts'
import { commonPoint, divergence, parseTimelineHistory, timelineHistoryFile } from './timeline-history.ts'
import type { WalPosition } from './timeline-history.ts'
import { withUpstream } from './upstream-view.ts'
import type { UpstreamSession, UpstreamView } from './upstream-view.ts'
import { segmentName, segmentSize, walRecordEnd } from './wal-record-end.ts'

export type RejoinMethod = 'unchanged' | 'rewind' | 'clone'

/** What a rejoin needs from the stopped member itself. */
export interface RejoinSubject {
  readonly config: PostgresMemberConfig
  readonly effects: PostgresEffects
  /**
   * Starts it as a standby without upstream, lets it replay all WAL that it has, stops it in an orderly way and says where it stood.
   * It never leaves recovery, so nothing is written that another member does not have.
   */
  settle(): Promise<WalPosition>
}

/** Makes a stopped member's directory one that can stream from the upstream. Any failure on the way leaves what a clone can repair. */
export async function rejoin(subject: RejoinSubject, upstream: Upstream): Promise<RejoinMethod> {
  const { config, effects } = subject
  await prepareSocketDirectory(config)
  // One that is damaged has nothing to rewind: it is kept, and cloned beside.
  const own = await readableControlFile(config.dataDirectory)
  const identity = config.systemIdentifier ?? own?.systemIdentifier
  const view = await asking(subject, upstream, async (its) => await its.view(identity))
  if (own !== undefined && own.systemIdentifier !== view.systemIdentifier) {
    throw identityRefused(config.name, own.systemIdentifier, view.systemIdentifier)
  }
  const position = own === undefined ? undefined : await positionOf(subject)
  if (position !== undefined) {
    const diverged = divergence(position, view.position, view.ancestors)
    if (diverged === undefined && (await isSameWal(subject, upstream, view, position))) return 'unchanged'
    effects.log.info('postgres.diverged', {
      member: config.name,
      why: diverged ?? 'its newest WAL is not what the upstream holds there',
    })
    const fork = await rewindablePoint(subject, upstream, view, position)
    if ('why' in fork) effects.log.info('postgres.not-rewindable', { member: config.name, why: fork.why })
    else if (await rewind(subject, upstream, position, fork)) return 'rewind'
  }
  await clone(subject, upstream, view)
  return 'clone'
}

/** A connection for each question: settling the member may take long in between. */
async function asking<T>(
  { config, effects }: RejoinSubject,
  upstream: Upstream,
  use: (upstream: UpstreamSession) => Promise<T>,
): Promise<T> {
  return await withUpstream(config, effects.clock, upstream, use)
}

async function isSameWal(
  subject: RejoinSubject,
  upstream: Upstream,
  view: UpstreamView,
  position: WalPosition,
): Promise<boolean> {
  const timelines = [...view.ancestors.map(({ timeline }) => timeline), view.position.timeline]
  return await holdsSameWal(subject.config.dataDirectory, position, timelines, async (name, length) =>
    asking(subject, upstream, async (its) => await its.digestOfWal(name, length)),
  )
}

/**
 * Where the member left the upstream's history, when pg_rewind can be trusted to see the same. It goes by timeline numbers alone, which two
 * promotions can share; it takes the member's timeline from its last checkpoint (15), which may be on an earlier one; and on equal
 * timelines it rewinds nothing.
 */
async function rewindablePoint(
  subject: RejoinSubject,
  upstream: Upstream,
  view: UpstreamView,
  position: WalPosition,
): Promise<WalPosition | { readonly why: string }> {
  const { dataDirectory, binDirectory } = subject.config
  if (!(await exists(join(binDirectory, 'pg_rewind')))) return { why: 'this host has no pg_rewind' }
  const control = await readControlFile(dataDirectory)
  if (control?.timeline !== position.timeline)
    return {
      why: `its last checkpoint is on timeline ${control?.timeline ?? 0}, its WAL ends on ${position.timeline}`,
    }
  const history = await readIfExists(join(dataDirectory, 'pg_wal', timelineHistoryFile(position.timeline)))
  if (history === undefined && position.timeline !== 1)
    return { why: `it has no history of timeline ${position.timeline}` }
  const own = [...parseTimelineHistory(history ?? ''), { timeline: position.timeline, end: position.lsn }]
  const { timeline, lsn } = view.position
  const fork = commonPoint(own, [...view.ancestors, { timeline, end: lsn }])
  if (fork === undefined) return { why: 'the two have no point of their histories in common' }
  if (fork.timeline === timeline) return { why: `both are on timeline ${timeline}` }
  if (await isSameWal(subject, upstream, view, fork)) return fork
  return { why: `WAL before ${fork.lsn} of timeline ${fork.timeline} is not there any more, or another one` }
}

/** Where all the WAL of the stopped member ends; `undefined` when the directory can not be started any more. */
async function positionOf(subject: RejoinSubject): Promise<WalPosition | undefined> {
  const { config, effects } = subject
  // A rewind that did not finish has mixed two histories.
  if (await exists(rewindMark(config))) return undefined
  const control = await readControlFile(config.dataDirectory)
  if (control === undefined) return undefined
  if (control.state === 'shut down') {
    const lsn = await walRecordEnd(config.dataDirectory, control.timeline, control.checkpointLsn)
    return { timeline: control.timeline, lsn }
  }
  try {
    return await subject.settle()
  } catch (error) {
    effects.log.warn('postgres.not-startable', { member: config.name, why: String(error) })
    return undefined
  }
}

async function rewind(
  subject: RejoinSubject,
  upstream: Upstream,
  position: WalPosition,
  fork: WalPosition,
): Promise<boolean> {
  const { config, effects } = subject
  await asking(subject, upstream, async (its) => await its.checkpoint())
  await keepDivergedWal(config, position, fork)
  await replaceOwnedFile(rewindMark(config), `${upstream.name}\n`, config.runAs)
  const source = buildConninfo({
    upstream,
    user: config.superuser,
    database: config.database,
    applicationName: config.name,
    ...(config.password === undefined ? {} : { passFile: passFilePath(config) }),
    ...(config.tls === undefined ? {} : { authorityFile: placedTls(config).authority }),
  })
  // Never its own crash recovery: that would end as a primary and write WAL on the old timeline.
  const args = [
    '--no-ensure-shutdown',
    `--target-pgdata=${config.dataDirectory}`,
    `--source-server=${source}`,
  ]
  const { exitCode, output } = await runProgram(config, 'pg_rewind', args)
  // It did diverge: a program that sees nothing to do looked at something else.
  if (exitCode !== 0 || output.includes('no rewind required')) {
    effects.log.warn('postgres.rewind-failed', { member: config.name, exitCode, output: output.slice(-1000) })
    return false
  }
  await makeStandby(config, config.dataDirectory)
  await removeDurably(rewindMark(config))
  return true
}

/** What only this member has goes away with a rewind; its WAL is kept beside the directory for whoever wants to look. */
async function keepDivergedWal(
  config: PostgresMemberConfig,
  position: WalPosition,
  fork: WalPosition,
): Promise<void> {
  const wal = join(config.dataDirectory, 'pg_wal')
  const bytes = await segmentSize(config.dataDirectory, position.timeline, position.lsn)
  const first = segmentName(fork.timeline, lsnToBigint(fork.lsn), bytes)
  const last = segmentName(position.timeline, lsnToBigint(position.lsn), bytes)
  const target = await freeName(config.dataDirectory, 'diverged')
  await mkdir(target, { mode: 0o700 })
  for (const name of await readdir(wal)) {
    if (!/^[0-9A-F]{24}$/.test(name) || name.slice(8) < first.slice(8) || name.slice(8) > last.slice(8))
      continue
    await copyFile(join(wal, name), join(target, name), constants.COPYFILE_FICLONE)
  }
}

/** Into a new directory beside the old one, which is kept: it is the last local copy until the new one has streamed. */
async function clone(subject: RejoinSubject, upstream: Upstream, view: UpstreamView): Promise<void> {
  const { config, effects } = subject
  const parent = dirname(config.dataDirectory)
  await makeOwnedDirectory(parent, config.runAs)
  await requireSpace(config, parent, await asking(subject, upstream, async (its) => await its.sizeBytes()))
  const fresh = `${config.dataDirectory}.clone`
  // Only ever a copy that was not finished: a finished one has been renamed.
  await rm(fresh, { recursive: true, force: true })
  const password = config.password === undefined ? {} : { password: config.password }
  const { systemIdentifier } = view
  const authority = await authorityOf(config)
  await effects.clone(fresh, {
    ...upstream,
    user: config.superuser,
    ...password,
    ...authority,
    systemIdentifier,
  })
  if (config.runAs !== undefined) await giveAway(fresh, config.runAs)
  const control = await readControlFile(fresh)
  if (control?.systemIdentifier !== view.systemIdentifier) {
    throw identityRefused(
      `the clone for ${config.name}`,
      control?.systemIdentifier ?? 'none',
      view.systemIdentifier,
    )
  }
  await makeStandby(config, fresh)
  if (await exists(config.dataDirectory)) {
    const kept = await freeName(config.dataDirectory, 'kept')
    await rename(config.dataDirectory, kept)
    effects.log.info('postgres.kept', { member: config.name, directory: kept })
  }
  await rename(fresh, config.dataDirectory)
  await syncDirectory(parent)
  await removeDurably(rewindMark(config))
}

/** The copy has its source's files: its own settings, no upstream, and never a primary when it starts. */
async function makeStandby(config: PostgresMemberConfig, dataDirectory: string): Promise<void> {
  const own = { ...config, dataDirectory }
  await writeStandbySignal(dataDirectory, config.runAs)
  await writeUpstreamOnDisk(own, '')
  await writeSettings(own)
}

async function requireSpace(config: PostgresMemberConfig, parent: string, sizeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(parent)
  const neededBytes = Math.ceil(sizeBytes * 1.1) + 256 * 2 ** 20
  if (bavail * bsize >= neededBytes) return
  const hint = `free space in ${parent}: old copies there are named *.kept-<n> and *.diverged-<n>`
  throw permanent(
    'PG_CLONE_NO_SPACE',
    `${config.name}: a clone needs ${neededBytes} bytes in ${parent}`,
    hint,
  )
}

function rewindMark(config: PostgresMemberConfig): string {
  return `${config.dataDirectory}.rewinding`
}
