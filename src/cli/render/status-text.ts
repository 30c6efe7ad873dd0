import type { MemberFacts } from '../../domain/facts.ts'
import type { Estate } from '../../estate/estate.ts'
import type { ClusterStatus, ControlPlaneStatus } from '../../server/status-wire.ts'
import { milliseconds } from './milliseconds.ts'
import type { Paint } from './paint.ts'
import { textTable } from './text-table.ts'

/** Unreachable reads `unknown`, never `down`, and every reading has its age. */
export function statusText(estate: Estate, status: ControlPlaneStatus, paint: Paint): string {
  return [
    `${paint('bold', estate.name)}  ${status.estate}  control plane ${status.productVersion}\n\n`,
    ...status.clusters.map((cluster) => clusterText(estate, status, cluster, paint)),
    textTable(
      ['HOST', 'LAST REPORT'],
      status.hosts.map(({ host, ageMs }) => [
        host,
        ageMs === undefined ? 'never: unknown' : `${milliseconds(Math.round(ageMs))} ago`,
      ]),
    ),
  ].join('')
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
    `  automatic: ${cluster.automatic}\n`,
    textTable(['MEMBER', 'ZONE', 'ROLE', 'TIMELINE', 'RECEIVES', 'MAY ACKNOWLEDGE'], rows)
      .replaceAll(/^/gm, '  ')
      .trimEnd(),
    '\n\n',
  ].join('')
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
