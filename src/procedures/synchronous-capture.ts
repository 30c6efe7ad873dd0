import type { CaptureFacts, CopiesFacts } from '../domain/facts.ts'
import type { Plan, Step } from '../domain/plan.ts'
import { membersPart, waitsForEach, withCaptures } from '../domain/synchronous-rule.ts'
import type { SynchronousRule } from '../domain/synchronous-rule.ts'
import type { PostgresMember } from '../estate/estate.ts'
import { keepersOf } from '../estate/keepers.ts'
import {
  archiveHoldsAll,
  captureNames,
  publishedMembers,
  publishedRule,
  synchronousCaptures,
} from '../estate/published-rule.ts'
import {
  clusterParameter,
  compile,
  leaderOf,
  memberFacts,
  refusal,
  requireNoBypass,
  sceneOf,
  type ClusterScene,
} from './parts/cluster-facts.ts'
import type { PlanRequest, Procedure } from './parts/procedure.ts'
import { loadStep, proofStep, publishStep, ruleSteps } from './parts/rule-steps.ts'
import { step } from './parts/step-form.ts'

/** One segment: what a commit would wait for when the capture is named. */
const lagMaxBytes = 16 * 1024 * 1024

/**
 * Commits wait for the archive as well, or no longer do. As many members hold each commit as before, because the capture is counted on top of
 * them: a failover asks for the same members whatever the capture does. On: loaded first and published when a commit was acknowledged,
 * so that no restore believes it too early. Off: the other way round.
 */
export const synchronousCapture: Procedure = {
  name: 'synchronous-capture',
  version: 1,
  scenario: 'none',
  summary: 'let commits wait for the archive as well, or no longer',
  parameters: [
    clusterParameter,
    {
      name: 'capture',
      required: false,
      meaning: 'a capture of its WAL; the one that is declared synchronous when absent',
    },
    {
      name: 'switch',
      required: true,
      meaning: 'on: commits wait for the capture too; off: they wait for members alone',
    },
  ],
  plan(request: PlanRequest): Plan {
    const scene = sceneOf(request)
    const leader = leaderOf(scene)
    requireRunning(scene, leader)
    const { capture, switch: direction } = request.parameters
    switch (direction) {
      case 'on':
        return compile(this, request, scene, switchOn(scene, leader, capture), keptOf(scene))
      case 'off':
        return compile(this, request, scene, switchOff(scene, leader, capture))
      default:
        throw refusal(
          'CAPTURE_SWITCH',
          `a capture is switched on or off, not ${JSON.stringify(direction ?? 'nothing')}`,
          'add `--param switch=on` or `--param switch=off`',
        )
    }
  },
}

function requireRunning(scene: ClusterScene, leader: PostgresMember): void {
  const { reachable, role } = memberFacts(scene, leader.id)
  if (reachable && role === 'primary') return
  throw refusal(
    'PRIMARY_NOT_HEALTHY',
    `${leader.name} leads but is ${reachable ? role : 'unreachable'}: a rule is loaded on a primary that runs`,
    'run `pointzero plan zone-failover`; a new primary opens without captures',
  )
}

function switchOn(scene: ClusterScene, leader: PostgresMember, wanted: string | undefined): readonly Step[] {
  const name = declared(scene, wanted)
  requireNoBypass(scene, 1)
  requireReceiving(scene, leader, name)
  const members = requirePromotable(scene)
  const before = publishedRule(scene.facts)
  const rule = withCaptures(members, [name])
  const primary = { component: scene.cluster.id, member: leader.id }
  return [
    step({
      id: 'receives',
      action: 'capture.receives',
      on: 'control',
      args: { ...primary, capture: name, lagMaxBytes },
      proves: `${leader.name} streams to ${name} and to no namesake, at most ${lagMaxBytes} bytes behind`,
      phase: 'decide',
      timeoutMs: 2_000,
      waitMs: 500,
    }),
    loadStep(scene, leader, rule, { after: ['receives'], undo: before }),
    quickProof(scene, leader, ['set-sync']),
    publishStep(scene, leader, rule, {
      id: 'publish',
      after: ['acknowledge'],
      accepts: accepted(name, rule),
      undo: before,
    }),
  ]
}

/** One attempt: while this run is open no failover begins, and what can not be proved now is taken back. */
function quickProof(scene: ClusterScene, leader: PostgresMember, after: readonly string[]): Step {
  const proves = 'a commit was acknowledged under the loaded rule'
  return { ...proofStep(scene, leader, after), proves, retry: { attempts: 1, waitMs: 100 } }
}

/** In words, and in the hash: what is promised, and what it costs. */
function accepted(name: string, rule: SynchronousRule): readonly string[] {
  const members = rule.names.filter((one) => one !== name)
  if (members.length === 0)
    return [
      `the archive of ${name} is the only other copy: nobody can fail over, what is lost comes back by component-restore`,
      `every commit waits while ${name} does not receive, until \`--param switch=off\``,
    ]
  if (waitsForEach(rule))
    return [
      `every commit waits while ${name} or one of ${members.join(', ')} does not receive, until \`--param switch=off\``,
    ]
  return [
    `a commit that ${rule.count} of ${members.join(', ')} acknowledged does not wait for ${name}: without a loss nothing can be restored ` +
      `from the archive unless policy.synchronousCount is ${members.length}`,
  ]
}

/** Also what the estate declares no longer, and what a run that broke off has loaded and not published. */
function switchOff(scene: ClusterScene, leader: PostgresMember, wanted: string | undefined): readonly Step[] {
  const captures = wanted === undefined ? captureNames(scene.cluster) : new Set([capture(scene, wanted)])
  const { names, count } = membersPart(publishedRule(scene.facts), captures)
  const rule = {
    names,
    count: Math.max(count, Math.min(scene.cluster.policy.synchronousCount, names.length)),
  }
  const accepts = archiveHoldsAll(scene.cluster, scene.facts)
    ? ['no longer promised: that nothing confirmed is lost when every member loses its data']
    : []
  return ruleSteps(scene, leader, rule, []).map((one) => {
    if (one.id === 'publish' && accepts.length > 0) return { ...one, args: { ...one.args, accepts } }
    // Commits that wait for a standby as well go on waiting: the capture is out of the rule all the same.
    return one.id === 'acknowledge' ? { ...quickProof(scene, leader, one.after), optional: true } : one
  })
}

function capture(scene: ClusterScene, wanted: string): string {
  const isMember = scene.cluster.members.some(({ name }) => name === wanted)
  const isNamed = scene.facts.publishedSync.includes(wanted) && !isMember
  if (isNamed || captureNames(scene.cluster).has(wanted)) return wanted
  throw undeclared(scene, wanted)
}

function declared(scene: ClusterScene, wanted: string | undefined): string {
  const found = synchronousCaptures(scene.cluster).find(({ name }) => wanted === undefined || name === wanted)
  if (found !== undefined) return found.name
  throw undeclared(scene, wanted)
}

function undeclared({ cluster }: ClusterScene, wanted: string | undefined): Error {
  return refusal(
    'CAPTURE_NOT_SYNCHRONOUS',
    `the estate declares no capture ${wanted === undefined ? 'of WAL' : wanted} of ${cluster.name} that commits may wait for`,
    'declare it with `of: wal` and `synchronous: true`, then `pointzero check`',
  )
}

/** What is known of its archive: one that comes and goes lets an approval lapse to wait for it, and none to wait for it no longer. */
function keptOf({ all, cluster }: ClusterScene): readonly CopiesFacts[] {
  return (all.copies ?? []).filter(
    ({ component, keeps }) => component === cluster.id && keeps.includes('archive'),
  )
}

/** By its own account and the leader's: the right one, under the one name, from the right place, with nothing missing. */
function requireReceiving(scene: ClusterScene, leader: PostgresMember, name: string): void {
  const { archive } = keepersOf(scene.estate, scene.cluster)
  const [seen] = keptOf(scene)
  const problem =
    archive === undefined
      ? 'no host of the estate keeps its archive'
      : seen?.reachable !== true || seen.capture === undefined
        ? `the agent of ${archive.name} does not answer`
        : unfit(scene, leader, name, seen.capture, seen.systemIdentifier)
  if (problem === '') return
  throw refusal(
    'CAPTURE_NOT_RECEIVING',
    `commits can not wait for ${name}: ${problem}`,
    'see what it does with `pointzero status`, and docs/procedures/synchronous-capture.md',
  )
}

function unfit(
  scene: ClusterScene,
  leader: PostgresMember,
  name: string,
  seen: CaptureFacts,
  systemIdentifier: string,
): string {
  if (seen.applicationName !== name)
    return `it receives as ${JSON.stringify(seen.applicationName)}; \`applicationName\` in the configuration of its agent must be ${JSON.stringify(name)}`
  if (seen.from !== leader.id) return `it does not receive from ${leader.name}`
  if (seen.connections !== 1)
    return `${seen.connections} connections of ${leader.name} stream under that name, and each would count`
  if (systemIdentifier !== scene.facts.systemIdentifier)
    return `its archive is of database system ${systemIdentifier || 'unknown'}`
  return seen.isWhole ? '' : 'its archive has a gap, or was not read yet'
}

/** Whatever the capture does, a member that can be promoted holds every commit; a single member has none and nobody is promised one. */
function requirePromotable(scene: ClusterScene): SynchronousRule {
  const { cluster, facts } = scene
  const members = publishedMembers(cluster, facts)
  if (cluster.members.length === 1) return { names: [], count: 0 }
  const wanted = Math.max(cluster.policy.synchronousCount, 1)
  const receiving = facts.members.filter((one) => members.names.includes(one.name) && one.receiving)
  if (members.count >= wanted && receiving.length >= members.count) return members
  throw refusal(
    'RULE_NOT_PROMOTABLE',
    members.count < wanted
      ? `commits wait for ${members.count} members: what ${cluster.name} confirms would be in the archive alone, and nobody could take over with it`
      : `${receiving.length} of ${members.names.join(', ')} receive, a commit waits for ${members.count} of them`,
    cluster.policy.synchronousCount === 0
      ? 'set policy.synchronousCount to 1 at least and bring standbys in with `pointzero run reprotect`'
      : 'bring the standbys back with `pointzero run reprotect --param member=` first',
  )
}
