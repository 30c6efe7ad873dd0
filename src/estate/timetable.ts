import type { ComponentId } from '../domain/id.ts'
import { clusters } from './estate-lookup.ts'
import type { Estate, PostgresComponent } from './estate.ts'
import { keepersOf } from './keepers.ts'
import type { Backup, Interval } from './protection.ts'
import type { BlockingCondition, Schedule } from './schedule.ts'

/** What the control plane may begin because the owner declared when. */
export type ScheduledProcedure = 'backup' | 'backup-verification'

/** One declaration that says when copies of one component are taken or restored as a test. */
export interface TimetableEntry {
  /** Where it stands in the estate: `components.ledger.protection.backups.full`, `schedules.restore-test`. */
  readonly declaration: string
  readonly component: ComponentId
  readonly procedure: ScheduledProcedure
  readonly rhythm: Rhythm
  /** `manual`: a person does. `schedule`: a schedule of the same procedure says when, and this how old the newest may be. */
  readonly start: 'automatic' | 'manual' | 'schedule'
  readonly blockedBy: readonly BlockingCondition[]
}

export type Rhythm =
  | {
      readonly kind: 'interval'
      readonly every: string
      /** From the beginning of one to the beginning of the next. */
      readonly dueAfterMs: number
      /** The longest that the estate allows between two. */
      readonly everyMs: number
    }
  | { readonly kind: 'calendar'; readonly schedule: Schedule }

/** A declaration that says when and that nobody keeps. */
export interface NotExecuted {
  readonly declaration: string
  readonly why: string
}

export interface Timetable {
  readonly entries: readonly TimetableEntry[]
  readonly notExecuted: readonly NotExecuted[]
}

/** All that the estate declares to happen at a time: what this version does by itself, and what it does not. Pure, in the order of declaration. */
export function timetable(estate: Estate): Timetable {
  const protectable = clusters(estate).filter((cluster) => keepersOf(estate, cluster).vault !== undefined)
  const scheduled = estate.schedules.flatMap((schedule) =>
    whyNot(schedule, protectable) === undefined
      ? protectable.map((cluster) => calendarEntry(schedule, cluster))
      : [],
  )
  return {
    entries: [...protectable.flatMap((cluster) => intervalEntries(estate, cluster, scheduled)), ...scheduled],
    notExecuted: [...unkeptIntervals(estate), ...unkeptSchedules(estate, protectable)],
  }
}

/** A year's reserve of a month is 31 days: counting 30 keeps twelve a year and the promise. */
const wordMs: Readonly<Record<string, number>> = {
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
}

function intervalEntries(
  estate: Estate,
  cluster: PostgresComponent,
  scheduled: readonly TimetableEntry[],
): readonly TimetableEntry[] {
  const { backups = [], verification } = cluster.protection ?? {}
  const entry = (path: string, procedure: ScheduledProcedure, interval: Interval): TimetableEntry => {
    const isScheduled = scheduled.some((one) => one.component === cluster.id && one.procedure === procedure)
    const { every, everyMs, start = 'automatic' } = interval
    return {
      declaration: `${protectionOf(cluster.name)}.${path}`,
      component: cluster.id,
      procedure,
      rhythm: { kind: 'interval', every, everyMs, dueAfterMs: wordMs[every] ?? everyMs },
      start: start === 'automatic' && isScheduled ? 'schedule' : start,
      blockedBy: [],
    }
  }
  return [
    ...backups
      .filter((backup) => isTaken(estate, cluster, backup))
      .map((backup) => entry(`backups.${backup.name}`, 'backup', backup)),
    ...(verification === undefined ? [] : [entry('verification', 'backup-verification', verification)]),
  ]
}

function calendarEntry(schedule: Schedule, { id }: PostgresComponent): TimetableEntry {
  return {
    declaration: `schedules.${schedule.name}`,
    component: id,
    procedure: schedule.procedure as ScheduledProcedure,
    rhythm: { kind: 'calendar', schedule },
    start: 'automatic',
    blockedBy: schedule.blockedBy ?? [],
  }
}

/** A full one, in a store that the host of the component's vault keeps. */
function isTaken(estate: Estate, cluster: PostgresComponent, { type, stores }: Backup): boolean {
  const { vault } = keepersOf(estate, cluster)
  return type === 'full' && vault !== undefined && storesOn(estate, vault.name, stores).length > 0
}

function storesOn(estate: Estate, host: string, stores: readonly string[]): readonly string[] {
  return stores.filter((store) => estate.stores?.find(({ name }) => name === store)?.host === host)
}

function unkeptIntervals(estate: Estate): readonly NotExecuted[] {
  return estate.components.flatMap((component) => {
    const { name, kind, protection } = component
    if (protection === undefined) return []
    const { vault } = keepersOf(estate, component)
    const unbuilt = kind === 'postgres' ? undefined : `this version takes no copies of ${kind}`
    const nowhere = vault === undefined ? 'no store that it names is kept by a host of the estate' : undefined
    const path = protectionOf(name)
    const found = protection.backups.flatMap(({ name: backup, type, stores }) => {
      const other = type === 'full' ? undefined : `this version takes no backup of type ${type}`
      const far = stores.filter((store) => !storesOn(estate, vault?.name ?? '', stores).includes(store))
      const partly =
        far.length === 0 ? undefined : `not into ${far.join(', ')}: no agent of its vault keeps that`
      const why = unbuilt ?? other ?? nowhere ?? partly
      return why === undefined ? [] : [{ declaration: `${path}.backups.${backup}`, why }]
    })
    const why = unbuilt ?? nowhere
    if (protection.verification === undefined || why === undefined) return found
    return [...found, { declaration: `${path}.verification`, why }]
  })
}

function unkeptSchedules(
  { schedules }: Estate,
  protectable: readonly PostgresComponent[],
): readonly NotExecuted[] {
  return schedules.flatMap((schedule) => {
    const why = whyNot(schedule, protectable)
    return why === undefined ? [] : [{ declaration: `schedules.${schedule.name}`, why }]
  })
}

/** A restore test has its sandbox always, so that it may be called one. */
function whyNot(
  { procedure, mode, blockedBy = [] }: Schedule,
  protectable: readonly PostgresComponent[],
): string | undefined {
  if (!isScheduled(procedure)) return `this version starts no ${procedure} by schedule`
  if (mode === 'live' || (mode === 'sandbox' && procedure === 'backup'))
    return `this version starts no ${mode} drill by schedule`
  if (protectable.length === 0) return 'no component has a vault that a host of the estate keeps'
  return blockedBy.map((condition) => neverKnown[condition]).find((why) => why !== undefined)
}

/** What nobody can answer counts as blocked. */
const neverKnown: Readonly<Partial<Record<BlockingCondition, string>>> = {
  'change-freeze':
    'blockedBy change-freeze: nothing tells this version of one, so it always counts as blocked',
  'component-not-green':
    'blockedBy component-not-green: green takes evidence, which the control plane does not hold, so it always counts as blocked',
}

function isScheduled(procedure: string): procedure is ScheduledProcedure {
  return procedure === 'backup' || procedure === 'backup-verification'
}

function protectionOf(component: string): string {
  return `components.${component}.protection`
}
