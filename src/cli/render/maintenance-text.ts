import type { Estate } from '../../estate/estate.ts'
import type { ControlPlaneStatus } from '../../server/status-wire.ts'
import type { Paint } from './paint.ts'

/** Above everything else, until it is over; and what does not agree with it, gate by gate. '' when nothing is shut and nothing should be. */
export function maintenanceText(estate: Estate, status: ControlPlaneStatus, paint: Paint): string {
  const { maintenance } = status
  const doors = doorsOf(estate, status)
  const lines: string[] = []
  if (maintenance?.on === true) {
    const { sinceMs, requestedBy, approvedBy, run, message } = maintenance
    const approved = approvedBy.length === 0 ? '' : `, approved by ${approvedBy.join(', ')}`
    const since = `since ${new Date(sinceMs).toISOString()}, asked for by ${requestedBy}${approved}, ${run}`
    lines.push(paint('red', `MAINTENANCE: CLIENTS ARE KEPT OUT ${since}`), `  they are told: ${message}`)
  }
  for (const { name, host, isMeant, isShut } of doors) {
    if (isShut === undefined && isMeant)
      lines.push(
        paint('yellow', `  ${name} on ${host}: unknown whether it is closed, its agent does not answer`),
      )
    if (isShut === false && isMeant) lines.push(paint('red', `  ${name} on ${host} is NOT closed`))
    if (isShut === true && isMeant) lines.push(`  ${name} on ${host} is closed`)
    if (isShut === true && !isMeant)
      lines.push(paint('red', `  ${name} on ${host} is closed, and no maintenance is on`))
  }
  if (lines.length === 0) return ''
  const end =
    maintenance?.on === true ? ['  end it with `pointzero plan maintenance --param switch=off`'] : []
  return `${[...lines, ...end].join('\n')}\n\n`
}

interface Door {
  readonly name: string
  readonly host: string
  readonly isMeant: boolean
  /** Undefined: not known now. */
  readonly isShut: boolean | undefined
}

/** Older reports say nothing about now. */
const freshMs = 5_000

function doorsOf(estate: Estate, { hosts, maintenance }: ControlPlaneStatus): readonly Door[] {
  const meant = new Set<string>(maintenance?.on === true ? maintenance.gates : [])
  return estate.components.flatMap((component) => {
    if (component.kind !== 'gate') return []
    const { name } = component
    return component.listeners.map(({ host }) => {
      const report = hosts.find((one) => one.host === host)
      const seen = report?.view?.gates.find((gate) => gate.component === component.id)
      const isShut =
        seen === undefined || (report?.ageMs ?? Infinity) > freshMs ? undefined : seen.shut === true
      return { name, host, isMeant: meant.has(component.id), isShut }
    })
  })
}
