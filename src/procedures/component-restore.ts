import type { Json } from '../domain/canonical-json.ts'
import type { Plan, Step } from '../domain/plan.ts'
import { formatDuration } from '../estate/duration.ts'
import { acknowledgingNames, memberNamed, scopeOf } from '../estate/estate-lookup.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { keepersOf } from '../estate/keepers.ts'
import { archiveHoldsAll, publishedMembers } from '../estate/published-rule.ts'
import {
  clusterParameter,
  companions,
  compile,
  leaderOf,
  memberFacts,
  othersThan,
  refusal,
  requireNoBypass,
  sceneOf,
  targetOf,
  type ClusterScene,
} from './parts/cluster-facts.ts'
import { copySteps, installSteps } from './parts/copy-steps.ts'
import { drainedIds, holdGates } from './parts/drain-steps.ts'
import { droppedCaptures } from './parts/dropped-captures.ts'
import { isFenced, requireLost, withoutGivenUp } from './parts/lost-data.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { recoveredPrimarySteps, type RecoveredRule } from './parts/recovered-primary.ts'
import { goalOf, goalParameters } from './parts/recovery-goal.ts'
import { serviceSteps, stopStep } from './parts/service-steps.ts'
import { from, step } from './parts/step-form.ts'

/**
 * The data of one database are gone from every member: they come back from vault and archive onto the host of one, are checked beside whatever is
 * left there, and lead under a new epoch. The others become its standbys. Nothing of any other component is touched, except that gates and
 * applications of this one wait.
 */
export const componentRestore: Procedure = {
  name: 'component-restore',
  version: 1,
  scenario: 'component-loss',
  summary: 'bring a database back from its copies when no member has its data any more',
  parameters: [
    clusterParameter,
    ...goalParameters,
    { name: 'to', required: false, meaning: 'the member that leads afterwards; the leader when absent' },
    {
      name: 'lost',
      required: false,
      meaning:
        'members, with commas between them, whose data are given up although nobody sees that they are gone',
    },
    {
      name: 'accept-loss',
      required: false,
      meaning: '`yes`: go on although commits may be missing that never reached the archive',
    },
    {
      name: 'single-copy',
      required: false,
      meaning: '`accepted`: open although too few standbys answer, and nobody holds a second copy',
    },
  ],
  plan(request: PlanRequest): Plan {
    const seen = sceneOf(request)
    const { parameters } = request
    const goal = goalOf(parameters)
    const leader = leaderOf(seen)
    const givenUp = requireLost(seen, leader, parameters)
    const scene = withoutGivenUp(seen, givenUp)
    if (parameters['accept-loss'] !== 'yes') requireNothingLost(scene)
    const member = successor(scene, leader, parameters['to'])
    const rule = ruleOf(scene, leader, member, parameters)
    const stops = [...revocations(scene, leader, givenUp), ...drainSteps(scene, leader, member)]
    const ready = [...drainedIds(stops), ...archiveEnd(scene, []).map(({ id }) => id)]
    const accepts = accepted(scene, { leader, givenUp, rule, parameters })
    return compile(this, request, scene, [
      ...stops,
      ...archiveEnd(scene, drainedIds(stops)),
      ...copySteps(scene, member, goal, ready),
      finish(scene, member, goal),
      claim(scene, { leader, member, rule, accepts }),
      ...installSteps(scene, member),
      ...recoveredPrimarySteps(scene, member, rule),
      ...serviceSteps(scene, { host: member.host, target: targetOf(scene, member), ready: 'acknowledge' }),
    ])
  },
}

interface Rule extends RecoveredRule {
  readonly singleCopy: boolean
}

function requireNothingLost(scene: ClusterScene): void {
  requireNoBypass(scene)
  if (archiveHoldsAll(scene.cluster, scene.facts)) return
  throw refusal(
    'LOSS_NOT_ACCEPTED',
    `${lossText(scene)} would be lost`,
    'accept that with `--param accept-loss=yes` and an approval; `pointzero points` shows where the archive ends',
  )
}

function lossText({ cluster }: ClusterScene): string {
  const lags = (cluster.protection?.captures ?? [])
    .filter(({ of }) => of === 'wal')
    .map(({ maxLagMs }) => maxLagMs)
  const declared =
    lags.length === 0
      ? ''
      : ` (declared: at most ${formatDuration(Math.min(...lags))}, which nobody measured)`
  return `commits of ${cluster.name} that were confirmed and never reached the archive, how many nobody knows${declared},`
}

/** The leader where it is, when its host answers: clients and applications find it where it was. */
function successor(scene: ClusterScene, leader: PostgresMember, wanted: string | undefined): PostgresMember {
  const answers = ({ id }: PostgresMember): boolean => memberFacts(scene, id).reachable
  const able = acknowledgingNames(scene.cluster)
  const chosen =
    wanted === undefined
      ? [leader, ...othersThan(scene, leader)].find((one) => answers(one) && able.has(one.name))
      : memberNamed(scene.cluster, wanted)
  if (chosen !== undefined && answers(chosen)) return chosen
  throw refusal(
    'MEMBER_UNREACHABLE',
    chosen === undefined
      ? `no agent of ${scene.cluster.name} answers: there is no host to restore onto`
      : `the agent of ${chosen.name} does not answer: nothing can be restored there`,
    'start an agent, see `pointzero status`, or name another member: `--param to=<member>`',
  )
}

/** Whoever led or may acknowledge does so again, behind the one that leads now. */
function ruleOf(
  scene: ClusterScene,
  leader: PostgresMember,
  member: PostgresMember,
  parameters: PlanRequest['parameters'],
): Rule {
  // A capture that stood among the names is named again when it receives.
  const published = publishedMembers(scene.cluster, scene.facts)
  const able = acknowledgingNames(scene.cluster)
  const known = published.names.length === 0 ? [] : [...new Set([...published.names, leader.name])]
  const names = known.filter((name) => name !== member.name && able.has(name)).sort()
  const answering = othersThan(scene, member).filter(
    ({ id, name }) => names.includes(name) && memberFacts(scene, id).reachable,
  )
  const count = Math.min(published.count, names.length)
  if (answering.length >= count) return { names, count, singleCopy: false }
  if (parameters['single-copy'] === 'accepted') return { names: [], count: 0, singleCopy: true }
  throw refusal(
    'TOO_FEW_STANDBYS',
    `a commit on ${member.name} waits for ${count} of ${names.join(', ')}, and ${answering.length} of their agents answer`,
    'start their agents, or accept a single copy until one is back: `--param single-copy=accepted`',
  )
}

/**
 * Of every member whose agent answers, so that nothing that lies there can confirm or be promoted behind the back of this run. Where the old
 * primary does not answer it is tried once: the quorum of the others is its fence, or a person's word.
 */
function revocations(
  scene: ClusterScene,
  leader: PostgresMember,
  givenUp: ReadonlySet<string>,
): readonly Step[] {
  return scene.cluster.members.flatMap((member) => {
    const { reachable, role } = memberFacts(scene, member.id)
    if (!reachable && member !== leader) return []
    const args = { component: scene.cluster.id, member: member.id }
    return [
      step({
        id: `revoke-${member.name}`,
        action: 'postgres.revoke',
        on: member.host,
        args: { ...args, label: member.name, mayHoldData: givenUp.has(member.name) },
        proves: givenUp.has(member.name)
          ? `no process of ${member.name} remains and its agent starts none; its data were given up`
          : `no process of ${member.name} remains, its agent starts none, and it has no data`,
        effect: 'reversible',
        phase: 'execute',
        ...(reachable
          ? { attempts: 5, timeoutMs: 30_000 }
          : { optional: true, attempts: 1, timeoutMs: 1_000 }),
        ...(role === 'standby' ? { undo: { action: 'postgres.start', args } } : {}),
      }),
    ]
  })
}

/**
 * Gates lead nowhere before the new primary opens where the old one was. An application that still runs has seen what the copies may not have:
 * it ends, and rebuilds its state from what is there. On the way back neither is undone: there is nothing to lead them to.
 */
function drainSteps(scene: ClusterScene, leader: PostgresMember, member: PostgresMember): readonly Step[] {
  const hosts = new Set([leader.host, member.host])
  const stops = companions(scene).flatMap(({ compute, places }) =>
    places
      .filter(({ host, reachable }) => hosts.has(host) && reachable)
      .map(({ host }) => stopStep(compute, host, { timeoutMs: 30_000 })),
  )
  return [
    ...stops,
    ...holdGates(
      scene,
      stops.map(({ id }) => id),
    ),
  ]
}

/** What the loss is, as far as it can be known, in the journal before the point of no return. */
function archiveEnd(scene: ClusterScene, after: readonly string[]): readonly Step[] {
  const { archive } = keepersOf(scene.estate, scene.cluster)
  if (archive === undefined) return []
  const holdsAll = archiveHoldsAll(scene.cluster, scene.facts)
  return [
    step({
      id: 'archive-end',
      action: 'capture.end',
      on: archive.name,
      args: { component: scene.cluster.id, holdsAll },
      after,
      proves: holdsAll
        ? 'where the archive ends; every confirmed commit is in it'
        : 'where the archive ends, and until when it is known to hold everything',
      phase: 'decide',
      attempts: 5,
    }),
  ]
}

function finish(scene: ClusterScene, member: PostgresMember, goal: Readonly<Record<string, Json>>): Step {
  return step({
    id: 'finish',
    action: 'postgres.finish',
    on: member.host,
    args: { component: scene.cluster.id, copyOf: member.id, goal },
    after: ['check'],
    proves:
      'no sequence of the copy gives a number again that the archive shows; the copy ended cleanly on a timeline of its own',
    effect: 'reversible',
    phase: 'execute',
    timeoutMs: 600_000,
  })
}

interface Claim {
  readonly leader: PostgresMember
  readonly member: PostgresMember
  readonly rule: Rule
  readonly accepts: readonly string[]
}

function claim(scene: ClusterScene, { leader, member, rule, accepts }: Claim): Step {
  return step({
    id: 'claim',
    action: 'leader.claim',
    on: 'control',
    args: {
      component: scene.cluster.id,
      member: member.id,
      from: leader.id,
      renew: true,
      systemIdentifier: scene.facts.systemIdentifier,
      publishedSync: rule.names,
      publishedCount: rule.count,
      holds: { timeline: from('finish', 'timeline'), lsn: from('finish', 'shutdownLsn') },
      ...(rule.singleCopy ? { singleCopy: true } : {}),
      ...(accepts.length > 0 ? { accepts } : {}),
    },
    after: ['finish'],
    proves: `the leader record of ${scopeOf(scene.cluster)} names ${member.name} with the restored data: nobody who holds other data is a candidate`,
    effect: 'point-of-no-return',
    phase: 'execute',
    attempts: 10,
  })
}

interface Acceptance {
  readonly leader: PostgresMember
  readonly givenUp: ReadonlySet<string>
  readonly rule: Rule
  readonly parameters: PlanRequest['parameters']
}

/** In words, and in the hash: what whoever approves says yes to beside the steps. */
function accepted(scene: ClusterScene, { leader, givenUp, rule, parameters }: Acceptance): readonly string[] {
  const undone = Number(parameters['commits-after'] ?? 0)
  return [
    ...(archiveHoldsAll(scene.cluster, scene.facts) ? [] : [`lost: ${lossText(scene).replace(/,$/, '')}`]),
    ...(undone > 0 ? [`undone: ${undone} commits that the archive holds behind the target`] : []),
    ...(givenUp.size > 0 ? [`given up: whatever data ${[...givenUp].sort().join(', ')} may have`] : []),
    ...(isFenced(scene, leader)
      ? []
      : [`nothing stops ${leader.name}: if it lives after all, everything that it still confirms`]),
    ...(rule.singleCopy
      ? ['commits have one copy until `pointzero run reprotect` brought a standby back']
      : []),
    ...droppedCaptures(scene),
  ]
}
