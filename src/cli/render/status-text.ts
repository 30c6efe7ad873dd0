import type { EffectView } from '../../agent/wire.ts'
import type { MemberFacts } from '../../domain/facts.ts'
import type { SingleCopy } from '../../domain/leader-record.ts'
import type { Estate } from '../../estate/estate.ts'
import type { Colour, Readiness } from '../../estate/readiness.ts'
import type { ClusterStatus, ControlPlaneStatus } from '../../server/status-wire.ts'
import type { ShownCopies } from '../copies/known-copies.ts'
import { copiesText } from './copies-text.ts'
import { maintenanceText } from './maintenance-text.ts'
import { encryptionText } from './encryption-text.ts'
import { milliseconds } from './milliseconds.ts'
import { staleReadsText } from './stale-reads-text.ts'
import type { Paint } from './paint.ts'
import { timetableText } from './timetable-text.ts'
import { textTable } from './text-table.ts'

export interface ShownStatus {
  readonly estate: Estate
  readonly status: ControlPlaneStatus
  readonly readiness: readonly Readiness[]
  readonly copies?: readonly ShownCopies[]
}

/** Unreachable reads `unknown`, never `down`, and every reading has its age. */
export function statusText({ estate, status, readiness, copies = [] }: ShownStatus, paint: Paint): string {
  const sandbox = status.sandbox ? '  SANDBOX: its runs are drills' : ''
  return [
    `${paint('bold', estate.name)}  ${status.estate}  control plane ${status.productVersion}${sandbox}\n\n`,
    maintenanceText(estate, status, paint),
    readinessText(estate, readiness, paint),
    '\n',
    ...status.clusters.map((cluster) => clusterText(estate, status, cluster, paint)),
    copiesText(estate, copies, paint),
    timetableText(estate, status.timetable ?? [], paint),
    textTable(
      ['HOST', 'LAST REPORT'],
      status.hosts.map(({ host, ageMs }) => [host, reportText(estate, host, ageMs)]),
    ),
    ...status.hosts.flatMap(({ host, view }) =>
      (view?.underWay ?? []).map((one) => effectText(host, one, paint)),
    ),
  ].join('')
}

/** What this agent does for long, or can not begin because of it. */
function effectText(host: string, { action, run, step, forMs, waits }: EffectView, paint: Paint): string {
  const what = waits === true ? paint('yellow', 'waits for its turn') : 'under way'
  return `${host}: ${action} of ${run} (${step}) ${what} for ${milliseconds(forMs)}\n`
}

function reportText(estate: Estate, host: string, ageMs: number | undefined): string {
  if (ageMs !== undefined) return `${milliseconds(Math.round(ageMs))} ago`
  // It needs no agent, and whoever reads this has its answer.
  return host === estate.controlPlane.host ? 'the control plane answers' : 'never: unknown'
}

const styles: Readonly<Record<Colour, 'red' | 'yellow' | 'green' | 'cyan'>> = {
  RED: 'red',
  UNKNOWN: 'cyan',
  AMBER: 'yellow',
  GREEN: 'green',
}

function readinessText(estate: Estate, readiness: readonly Readiness[], paint: Paint): string {
  const rows = readiness.map(({ component, colour, reason }) => {
    const kind = estate.components.find(({ name }) => name === component)?.kind ?? ''
    return [component, kind, colour, reason]
  })
  return textTable(['COMPONENT', 'KIND', 'READY', 'WHY'], rows).replaceAll(
    /(?<= )(RED|UNKNOWN|AMBER|GREEN)(?= )/g,
    (word) => paint(styles[word as Colour], word),
  )
}

function clusterText(
  estate: Estate,
  status: ControlPlaneStatus,
  cluster: ClusterStatus,
  paint: Paint,
): string {
  const facts = status.facts.clusters.find(({ component }) => component === cluster.component)
  const name = estate.components.find(({ id }) => id === cluster.component)?.name ?? cluster.component
  const leader = facts?.members.find(({ member }) => member === cluster.leader?.member)
  const published = cluster.leader?.publishedSync ?? []
  const rows = (facts?.members ?? []).map((member) => memberRow(member, leader, published))
  const { detection } = cluster
  const state = detection.state === 'up' ? paint('green', 'up') : paint('yellow', detection.state)
  return [
    `${paint('bold', name)}  ${state}: ${detection.reason}\n`,
    `  epoch ${cluster.epoch}, ${cluster.openRun === '' ? 'no run open' : `run ${cluster.openRun} is open`}\n`,
    blindText(cluster, paint),
    `  automatic: ${cluster.automatic}\n`,
    `  ${staleReadsText(cluster.staleReadBoundMs ?? null)}\n`,
    singleCopyText(cluster.leader?.singleCopy, paint),
    refusalText(cluster, leader, paint),
    encryptionText(status, cluster.component, paint),
    textTable(['MEMBER', 'ZONE', 'ROLE', 'TIMELINE', 'RECEIVES', 'MAY ACKNOWLEDGE'], rows)
      .replaceAll(/^/gm, '  ')
      .trimEnd(),
    '\n',
    keptText(status, cluster),
    '\n',
  ].join('')
}

function blindText({ blind }: ClusterStatus, paint: Paint): string {
  if (blind === undefined) return ''
  const advice = 'see `judgement-failed` in the log of `pointzero serve`; until then a person decides'
  return `  ${paint('red', 'RED: NOT WATCHED')}: nothing starts by itself; ${advice}\n`
}

/** What rejoins have left is never removed by itself: it may be the last copy of what nobody acknowledged. */
function keptText({ hosts }: ControlPlaneStatus, { component }: ClusterStatus): string {
  return hosts
    .flatMap(({ host, view }) =>
      (view?.members ?? [])
        .filter((member) => member.component === component)
        .flatMap(({ kept = [] }) => kept.map((one) => ({ host, ...one }))),
    )
    .map(({ host, path, bytes }) => `  left on ${host} by a rejoin: ${path}, ${megabytes(bytes)}\n`)
    .join('')
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** Nobody has to look for it: until a commit waits for somebody again it stands above the members. */
function singleCopyText(accepted: SingleCopy | undefined, paint: Paint): string {
  if (accepted === undefined) return ''
  const since = `since ${new Date(accepted.atMs).toISOString()}, accepted by ${accepted.acceptedBy.join(', ')}`
  return `  ${paint('red', `RED: SINGLE COPY ${since}`)}; bring another member back with \`pointzero run reprotect\`\n`
}

/** While a run is open it is meant to; one that was abandoned has left it so. */
function refusalText({ openRun }: ClusterStatus, leader: MemberFacts | undefined, paint: Paint): string {
  if (leader?.refusesWrites !== true) return ''
  if (openRun !== '') return `  ${leader.name} refuses writes, as run ${openRun} told it\n`
  const command = `\`pointzero run reprotect --param member=${leader.name}\``
  return `  ${paint('red', `RED: ${leader.name} REFUSES WRITES`)} and no run is open: let it accept them with ${command}\n`
}

function memberRow(
  member: MemberFacts,
  leader: MemberFacts | undefined,
  published: readonly string[],
): readonly string[] {
  if (!member.reachable)
    return [member.name, member.zone, 'unknown', '-', 'unknown', yes(published.includes(member.name))]
  const isLeader = member.member === leader?.member
  return [
    member.name,
    member.zone,
    isLeader ? `${member.role} (leads)` : member.role,
    String(member.timeline),
    isLeader ? '-' : yes(member.receiving),
    isLeader ? '-' : yes(published.includes(member.name)),
  ]
}

function yes(holds: boolean): string {
  return holds ? 'yes' : 'no'
}
