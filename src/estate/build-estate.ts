import type { EstateId, HostId } from '../domain/id.ts'
import type { Scenario } from '../domain/scenario.ts'
import { parseByteRate } from './byte-size.ts'
import { buildComponent } from './build-component.ts'
import { ms, named, present } from './declared-value.ts'
import type { EstateDeclaration } from './estate-schema.ts'
import type { Estate, Objective } from './estate.ts'
import type { Store } from './protection.ts'
import type { ApprovalRule, RecoveryRule } from './recovery-rule.ts'
import type { Schedule } from './schedule.ts'

/** A declaration that passed its schema and cross-checks, as the plain estate that everything else reads. */
export function buildEstate(declared: EstateDeclaration): Estate {
  const { links, stores, recovery, approvals, maintenance, smokeTests, transitions, exclusions } = declared
  return {
    format: declared.format,
    id: declared.id as EstateId,
    name: declared.name,
    regions: named(declared.regions, (name, region) => ({ name, ...region })),
    hosts: named(declared.hosts, (name, { id, zone, address, agentPort }) => ({
      id: id as HostId,
      name,
      zone,
      address,
      agentPort,
    })),
    controlPlane: declared.controlPlane,
    components: named(declared.components, buildComponent),
    objectives: declared.objectives.flatMap(objectives),
    schedules: named(declared.schedules, schedule),
    assumptions: declared.assumptions,
    ...(links && {
      links: links.map(({ between: [from, to], kind, roundTrip, rate }) => ({
        between: [from, to] as const,
        kind,
        roundTripMs: ms(roundTrip),
        bytesPerSecond: parseByteRate(rate) ?? 0,
      })),
    }),
    ...(stores && { stores: named(stores, store) }),
    ...(recovery && { recovery: recoveryRules(recovery) }),
    ...(approvals && { approvals: named(approvals, approval) }),
    ...(maintenance && { maintenance }),
    ...(smokeTests && {
      smokeTests: named(smokeTests, (name, { within, ...test }) => ({ name, ...test, withinMs: ms(within) })),
    }),
    ...(transitions && {
      transitions: transitions.map(({ for: length, ...watch }) => ({ ...watch, forMs: ms(length) })),
    }),
    ...(exclusions && {
      exclusions: named(exclusions, (component, exclusion) => ({ component, ...exclusion })),
    }),
  }
}

type Declared<Key extends keyof EstateDeclaration> = NonNullable<EstateDeclaration[Key]>

function objectives({
  scenarios,
  components,
  rpo,
  rto,
}: Declared<'objectives'>[number]): readonly Objective[] {
  return scenarios.map((scenario) => ({
    scenario,
    ...(components && { components }),
    rpoMs: ms(rpo),
    rtoMs: ms(rto),
  }))
}

function schedule(name: string, { window, ...rest }: Declared<'schedules'>[string]): Schedule {
  return { name, ...present(rest), ...(window && { window: `${window.from}/${window.for}` }) }
}

function store(name: string, declared: Declared<'stores'>[string]): Store {
  const { host, credentials, encryptionKey, lock, ...rest } = declared
  return {
    name,
    ...rest,
    ...(host !== undefined && { host }),
    ...(credentials !== undefined && { credentialsRef: credentials }),
    ...(encryptionKey !== undefined && { encryptionKeyRef: encryptionKey }),
    ...(lock && { lock: { mode: lock.mode, forMs: ms(lock.for) } }),
  }
}

function recoveryRules(recovery: Declared<'recovery'>): readonly RecoveryRule[] {
  return Object.entries(recovery).flatMap(([scenario, rules]) =>
    rules.map((rule) => ({ scenario: scenario as Scenario, ...present(rule) })),
  )
}

function approval(
  procedure: string,
  { validFor, statement, ...rest }: Declared<'approvals'>[string],
): ApprovalRule {
  return { procedure, ...rest, validMs: ms(validFor), ...(statement !== undefined && { statement }) }
}
