import { hostZones, zonesOf } from './component-zones.ts'
import type { HostZones } from './component-zones.ts'
import type { EstatePath } from './estate-problem.ts'
import type { Component, Estate } from './estate.ts'

/** Allowed, but not to be left so. `red` makes what it names red; a warning is for people to judge. */
export interface Finding {
  readonly severity: 'red' | 'warning'
  readonly code: string
  readonly path: EstatePath
  /** `what; what to do`. */
  readonly message: string
}

/** What an estate that may be used still gets wrong; pure, in the order of declaration. */
export function estateFindings(estate: Estate): readonly Finding[] {
  const excluded = new Set((estate.exclusions ?? []).map(({ component }) => component))
  const zones = hostZones(estate)
  return [
    ...controlPlaneFindings(estate, zones),
    ...estate.components.flatMap((component) =>
      excluded.has(component.name)
        ? []
        : [
            ...unprotectedFindings(component),
            ...copyFindings(estate, component),
            ...zoneFindings(zones, component),
          ],
    ),
    ...approvalFindings(estate),
    ...objectiveFindings(estate),
  ]
}

function warning(code: string, path: EstatePath, message: string): Finding {
  return { severity: 'warning', code, path, message }
}

function controlPlaneFindings(estate: Estate, zones: HostZones): readonly Finding[] {
  const zone = zones.get(estate.controlPlane.host)
  const holders = estate.components.filter((component) => zonesOf(zones, component).has(zone ?? ''))
  if (zone === undefined || zone === 'outside' || holders.length === 0) return []
  return [
    warning(
      'CONTROL_PLANE_IN_ZONE',
      ['controlPlane', 'host'],
      `the control plane runs in ${zone}, a zone that it must outlive; move it to a host of another zone, best outside`,
    ),
  ]
}

function unprotectedFindings(component: Component): readonly Finding[] {
  if (component.unprotected !== true) return []
  return [
    {
      severity: 'red',
      code: 'POLICY_MISSING',
      path: ['components', component.name],
      message:
        'no policy: nothing says how it comes back; declare policy or protection, or an exclusion with owner, reason and expiry',
    },
  ]
}

/** Copies that share a failure domain count once (incident D05). */
function copyFindings(estate: Estate, component: Component): readonly Finding[] {
  const { captures = [], backups = [] } = component.protection ?? {}
  const names = new Set([...captures, ...backups].flatMap(({ stores }) => stores))
  const stores = (estate.stores ?? []).filter(({ name }) => names.has(name))
  if (stores.length === 0) return []
  const domains = new Set(stores.map(({ failureDomain }) => failureDomain))
  const path = ['components', component.name, 'protection']
  const findings: Finding[] = []
  if (domains.size === 1) {
    findings.push(
      warning(
        'ONE_FAILURE_DOMAIN',
        path,
        `every copy lies in ${[...domains].join('')} and is lost with it; add a store elsewhere`,
      ),
    )
  }
  if (!stores.some(({ lock }) => lock?.mode === 'compliance')) {
    findings.push(
      warning(
        'NO_IMMUTABLE_COPY',
        path,
        'whoever holds the credentials can delete every copy; add a store with lock mode compliance',
      ),
    )
  }
  return findings
}

/** One zone for all members makes a zone failover impossible. */
function zoneFindings(zones: HostZones, component: Component): readonly Finding[] {
  if (component.kind !== 'postgres' || component.policy.failover['zone-loss'] === undefined) return []
  const held = zonesOf(zones, component)
  if (held.size > 1) return []
  const path = ['components', component.name, 'members']
  return [
    warning(
      'ONE_ZONE',
      path,
      `every member is in ${[...held].join('')}; put members into at least two zones`,
    ),
  ]
}

function approvalFindings(estate: Estate): readonly Finding[] {
  const approved = new Map((estate.approvals ?? []).map((rule) => [rule.procedure, rule]))
  const findings = (estate.recovery ?? [])
    .filter(({ start, procedure }) => start === 'manual' && !approved.has(procedure))
    .map(({ scenario, procedure }) =>
      warning(
        'NO_APPROVAL_RULE',
        ['recovery', scenario],
        `nobody must approve ${procedure}; add approvals.${procedure}`,
      ),
    )
  for (const { procedure, required, approvers } of approved.values()) {
    if (required < approvers.length) continue
    const path = ['approvals', procedure, 'required']
    findings.push(
      warning(
        'APPROVERS_TOO_FEW',
        path,
        'every approver is needed, so none of them can ask for it; name one more',
      ),
    )
  }
  return findings
}

function objectiveFindings(estate: Estate): readonly Finding[] {
  if (estate.objectives.length > 0) return []
  return [
    warning(
      'NO_OBJECTIVE',
      ['objectives'],
      'no objective: nothing can be refuted or proven; add rpo and rto for each scenario',
    ),
  ]
}
