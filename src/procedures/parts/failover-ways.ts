import type { Json } from '../../domain/canonical-json.ts'
import { revocationsNeeded } from '../../domain/leader-record.ts'
import type { RecoveryError } from '../../domain/recovery-error.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { publishedCaptures, publishedMembers } from '../../estate/published-rule.ts'
import { memberFacts, othersThan, refusal, type ClusterScene } from './cluster-facts.ts'
import type { PlanRequest } from './procedure.ts'
import { from } from './step-form.ts'

/** Who is revoked and chosen from, and what a commit on the new primary waits for. */
export interface FailoverWay {
  readonly candidates: readonly PostgresMember[]
  /** So many of them must have detached before one is chosen. */
  readonly needed: number
  readonly names: Json
  readonly count: number
  /** Labels that may acknowledge beside the detached when those are too few. */
  readonly fallbackSync: readonly string[]
  /** What the approver accepts beside the plan itself, in words. */
  readonly accepts: readonly string[]
  readonly singleCopy: boolean
  /** No quorum fences the old primary: it has to be seen to be stopped before anybody is promoted. */
  readonly isFenceNeeded: boolean
}

/** How a failover can be had of what is published and declared, or why it can not. */
export function wayOf(
  scene: ClusterScene,
  old: PostgresMember,
  parameters: PlanRequest['parameters'],
): FailoverWay {
  const { publishedSync, publishedCount } = scene.facts
  const isUnnamed = publishedSync.length === 0 && publishedCount === 0
  if (scene.cluster.policy.synchronousCount === 0 && isUnnamed) return withLoss(scene, old, parameters)
  return revoking(scene, old, parameters)
}

function revoking(
  scene: ClusterScene,
  old: PostgresMember,
  parameters: PlanRequest['parameters'],
): FailoverWay {
  const { publishedSync, publishedCount } = scene.facts
  const candidates = othersThan(scene, old).filter(({ name }) => publishedSync.includes(name))
  const needed = revocationsNeeded(publishedSync.length, publishedCount)
  requireEnough(scene, candidates, needed)
  const singleCopy = scene.cluster.members.length === 2
  if (!singleCopy) {
    // The old primary holds everything that was acknowledged; of anybody else beside the published that is not known.
    const { count } = publishedMembers(scene.cluster, scene.facts)
    const rule = { names: from('choose', 'others'), count, fallbackSync: [old.name] }
    return { candidates, needed, ...rule, accepts: [], singleCopy, isFenceNeeded: false }
  }
  if (parameters['single-copy'] !== 'accepted') throw wouldBeSingle(scene, old)
  const accepts = [
    `commits have one copy until \`pointzero run reprotect --param member=${old.name}\` is done`,
  ]
  return {
    candidates,
    needed,
    names: [],
    count: 0,
    fallbackSync: [],
    accepts,
    singleCopy,
    isFenceNeeded: false,
  }
}

/** Waiting for the member that was just lost, the new primary would confirm nothing, after there is no way back: said before, not after. */
function wouldBeSingle(scene: ClusterScene, old: PostgresMember): RecoveryError {
  const left = othersThan(scene, old).map(({ name }) => name)
  return refusal(
    'SINGLE_COPY',
    `without ${old.name} only ${left.join(', ')} is left of ${scene.cluster.name}: what it confirms would have one copy`,
    `bring ${old.name} back, or accept it: \`pointzero plan zone-failover --param single-copy=accepted\` and an approval`,
  )
}

/** Without enough standbys to revoke, the old primary might still confirm: promoting would risk acknowledged writes. */
function requireEnough(scene: ClusterScene, candidates: readonly PostgresMember[], needed: number): void {
  const answering = candidates.filter((member) => memberFacts(scene, member.id).reachable)
  if (needed > 0 && answering.length >= needed) return
  const silent = candidates.filter((member) => !answering.includes(member)).map(({ name }) => name)
  throw refusal(
    'REVOCATION_IMPOSSIBLE',
    `${needed} of the standbys that may acknowledge (${scene.facts.publishedSync.join(', ')}) must confirm that they stopped; ` +
      `${answering.length} answer${silent.length === 0 ? '' : `, ${silent.join(', ')} do not`}`,
    answering.length === candidates.length && publishedCaptures(scene.cluster, scene.facts).length > 0
      ? 'nobody can be promoted with what only the archive holds: bring the old primary back, or see `pointzero plan component-restore`'
      : 'bring one of them back, then run `pointzero plan zone-failover` again',
  )
}

/**
 * Asynchronous: the old primary confirms by itself, so revoking standbys takes nothing from it. It has to be stopped, or people have to answer
 * for its being dead; and what it confirmed and never sent is lost either way.
 */
function withLoss(
  scene: ClusterScene,
  old: PostgresMember,
  parameters: PlanRequest['parameters'],
): FailoverWay {
  const lost = `what ${old.name} confirmed and had not sent`
  if (parameters['accept-loss'] !== 'yes')
    throw refusal(
      'LOSS_NOT_ACCEPTED',
      `${scene.cluster.name} replicates asynchronously (synchronousCount 0): ${lost} would be lost`,
      `bring ${old.name} back, or accept the loss: \`pointzero plan zone-failover --param accept-loss=yes\` and an approval`,
    )
  const candidates = othersThan(scene, old).filter(({ id }) => isStandby(scene, id))
  if (candidates.length === 0)
    throw refusal(
      'NO_HEALTHY_STANDBY',
      `no standby of ${scene.cluster.name} answers`,
      'see why with `pointzero status`',
    )
  const isAttested = parameters['old-primary'] === 'attested-dead'
  if (!isAttested && !memberFacts(scene, old.id).reachable) throw unfenced(old)
  const window = isAttested
    ? `nothing stops ${old.name}: if it lives after all, everything that it still confirms`
    : 'everything that it still confirms until it is stopped'
  const accepts = [`lost: ${lost} when the chosen member stopped receiving, and from then on ${window}`]
  const rule = {
    names: [],
    count: 0,
    fallbackSync: [],
    accepts,
    singleCopy: false,
  }
  return { candidates, needed: candidates.length, ...rule, isFenceNeeded: !isAttested }
}

function isStandby(scene: ClusterScene, member: string): boolean {
  const { reachable, role } = memberFacts(scene, member)
  return reachable && role === 'standby'
}

function unfenced(old: PostgresMember): RecoveryError {
  return refusal(
    'OLD_PRIMARY_UNFENCED',
    `the agent of ${old.name} does not answer, so nothing can stop it, and without a quorum it could go on confirming`,
    `start its agent on ${old.host}, or make sure that it is dead and say so: \`--param old-primary=attested-dead\``,
  )
}
