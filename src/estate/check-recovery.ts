import { problem } from './estate-problem.ts'
import type { EstatePath, EstateProblem } from './estate-problem.ts'
import type { EstateDeclaration } from './estate-schema.ts'
import { procedureNames } from './procedure-names.ts'

/** Objectives, rules, approvals and schedules say one thing each. */
export function checkRecovery(estate: EstateDeclaration): readonly EstateProblem[] {
  return [
    ...checkObjectives(estate),
    ...checkProcedures(estate),
    ...checkStart(estate),
    ...checkApprovals(estate),
    ...checkSchedules(estate),
    ...checkLinks(estate),
    ...checkMaintenance(estate),
  ]
}

function checkObjectives({ objectives }: EstateDeclaration): readonly EstateProblem[] {
  const holders = new Map<string, number>()
  return objectives.flatMap(({ scenarios, components }, index) =>
    scenarios.flatMap((scenario) =>
      (components ?? ['']).flatMap((component) => {
        const key = `${scenario} ${component}`
        const holder = holders.get(key)
        holders.set(key, index)
        if (holder === undefined) return []
        const covered = component === '' ? scenario : `${scenario} of ${component}`
        return [
          problem(
            ['objectives', index],
            `${covered} has an objective in objectives[${holder}] already; keep one`,
          ),
        ]
      }),
    ),
  )
}

function checkProcedures(estate: EstateDeclaration): readonly EstateProblem[] {
  const named: readonly { readonly path: EstatePath; readonly name: string; readonly part?: 'key' }[] = [
    ...Object.entries(estate.recovery ?? {}).flatMap(([scenario, rules]) =>
      rules.flatMap((rule, index) => [
        { path: ['recovery', scenario, index, 'procedure'], name: rule.procedure },
        ...(rule.then ?? []).map((name, at) => ({ path: ['recovery', scenario, index, 'then', at], name })),
      ]),
    ),
    ...Object.keys(estate.approvals ?? {}).map((name) => ({
      path: ['approvals', name],
      name,
      part: 'key' as const,
    })),
    ...Object.entries(estate.schedules).map(([name, { procedure }]) => ({
      path: ['schedules', name, 'procedure'],
      name: procedure,
    })),
  ]
  return named
    .filter(({ name }) => !procedureNames.has(name))
    .map(({ path, name, part }) =>
      problem(path, `there is no procedure ${name}; write one of ${[...procedureNames].join(', ')}`, part),
    )
}

/** What a member's policy and the estate's rule say about starting must not differ. */
function checkStart({ recovery, components }: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(components).flatMap(([name, component]) => {
    if (component.kind !== 'postgres') return []
    return Object.entries(component.policy?.failover ?? {}).flatMap(([scenario, start]) => {
      const rules = recovery?.[scenario as keyof typeof recovery] ?? []
      const other = rules.find((rule) => rule.start !== start && (rule.components?.includes(name) ?? true))
      if (other === undefined) return []
      const path = ['components', name, 'policy', 'failover', scenario]
      return [problem(path, `${start} here, ${other.start} in recovery.${scenario}; make both say the same`)]
    })
  })
}

function checkApprovals({ approvals = {} }: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(approvals).flatMap(([procedure, { required, approvers }]) => {
    const path = ['approvals', procedure]
    const distinct = new Set(approvers)
    const problems = approvers.flatMap((approver, index) =>
      approvers.indexOf(approver) === index
        ? []
        : [problem([...path, 'approvers', index], `${approver} is named twice; a person approves once`)],
    )
    if (required > distinct.size) {
      const has = `there ${distinct.size === 1 ? 'is 1' : `are ${distinct.size}`}`
      problems.push(
        problem(
          [...path, 'required'],
          `${required} approvals are required and ${has} to give them; name more or lower it`,
        ),
      )
    }
    return problems
  })
}

function checkSchedules({ schedules }: EstateDeclaration): readonly EstateProblem[] {
  return Object.entries(schedules).flatMap(([name, { every, on, mode, window, scenario, procedure }]) => {
    const path = ['schedules', name]
    const problems: EstateProblem[] = []
    if (on !== undefined && !fitsPeriod(every, on)) {
      problems.push(
        problem([...path, 'on'], `${on} does not name one day of every ${every}; ${dayForms[every]}`),
      )
    }
    if (mode === 'live' && window === undefined) {
      problems.push(
        problem([...path, 'window'], 'missing: a live drill runs in a window only; write from and for'),
      )
    }
    if (mode !== undefined && scenario === undefined && procedure !== 'backup-verification') {
      problems.push(problem([...path, 'scenario'], 'missing: a drill injects a fault; name the scenario'))
    }
    if (window !== undefined && every === 'hour') {
      problems.push(problem([...path, 'window'], 'an hourly schedule has no window; leave it out', 'key'))
    }
    return problems
  })
}

const dayForms = {
  hour: 'leave it out',
  day: 'leave it out',
  week: 'write a weekday, for example sunday',
  month: 'write for example first tuesday, or day 15',
  quarter: 'write for example first tuesday, or day 15',
} as const

function fitsPeriod(every: keyof typeof dayForms, on: string): boolean {
  const isOrdinal = /^(first|second|third|fourth|last|day) /.test(on)
  if (every === 'week') return !isOrdinal
  return (every === 'month' || every === 'quarter') && isOrdinal
}

function checkLinks({ links = [] }: EstateDeclaration): readonly EstateProblem[] {
  const seen = new Set<string>()
  return links.flatMap(({ between: [from, to] }, index) => {
    const key = [from, to].sort().join(' ')
    const path = ['links', index, 'between']
    if (from === to) return [problem(path, `both ends are ${from}; name two regions`)]
    if (seen.has(key)) return [problem(path, `${from} and ${to} have a link already; keep one`)]
    seen.add(key)
    return []
  })
}

function checkMaintenance({ maintenance, components }: EstateDeclaration): readonly EstateProblem[] {
  return (maintenance?.closes ?? []).flatMap((name, index) => {
    const kind = components[name]?.kind
    if (kind === undefined || kind === 'gate' || kind === 'load-balancer') return []
    return [
      problem(['maintenance', 'closes', index], `${name} is of kind ${kind}; name a gate or a load-balancer`),
    ]
  })
}
