import { holdsNothing } from '../../domain/holds-nothing.ts'
import { revocationsNeeded } from '../../domain/leader-record.ts'
import type { RecoveryError } from '../../domain/recovery-error.ts'
import { memberNamed } from '../../estate/estate-lookup.ts'
import type { PostgresMember } from '../../estate/estate.ts'
import { memberFacts, othersThan, refusal, type ClusterScene } from './cluster-facts.ts'
import type { PlanRequest } from './procedure.ts'

/**
 * The members whose data the approving people give up (`lost=…`): what lies there, if anything does, is kept but not waited for. Of everybody
 * else it must be seen that nothing is there, because a copy that lives is always better than one that is restored.
 */
export function requireLost(
  scene: ClusterScene,
  leader: PostgresMember,
  parameters: PlanRequest['parameters'],
): ReadonlySet<string> {
  const given = (parameters['lost'] ?? '').split(',').filter((name) => name !== '')
  const givenUp = new Set(given.map((name) => memberNamed(scene.cluster, name).name))
  requireNoPrimary(scene)
  requireNobodyPromotable(scene, leader, givenUp)
  const open = scene.cluster.members.filter(
    ({ id, name }) => !givenUp.has(name) && !holdsNothing(memberFacts(scene, id)),
  )
  if (open.length > 0) throw mayHoldData(scene, leader, open)
  return givenUp
}

/**
 * What is known of members that were given up is not what the plan stands on: a damaged server that starts and ends again and again would let
 * every approval lapse. Whether it answers and whether it runs as a standby stays, because steps depend on it.
 */
export function withoutGivenUp(scene: ClusterScene, givenUp: ReadonlySet<string>): ClusterScene {
  const members = scene.facts.members.map((one) =>
    givenUp.has(one.name) && one.role !== 'standby'
      ? { ...one, role: 'unknown' as const, timeline: 0, systemIdentifier: '', versionNumber: 0 }
      : one,
  )
  return { ...scene, facts: { ...scene.facts, members } }
}

/**
 * An old primary that nobody can stop confirms nothing without standbys: N - W + 1 of those that may acknowledge are stopped (R + W > N). Where
 * that is not so, its being dead is what people answer for when they name it.
 */
export function isFenced(scene: ClusterScene, leader: PostgresMember): boolean {
  if (memberFacts(scene, leader.id).reachable) return true
  const { publishedSync, publishedCount } = scene.facts
  const stopped = othersThan(scene, leader).filter(
    ({ id, name }) => publishedSync.includes(name) && memberFacts(scene, id).reachable,
  )
  const needed = revocationsNeeded(publishedSync.length, publishedCount)
  return publishedCount > 0 && needed > 0 && stopped.length >= needed
}

function requireNoPrimary({ facts }: ClusterScene): void {
  const running = facts.members.find(({ reachable, role }) => reachable && role === 'primary')
  if (running === undefined) return
  throw refusal(
    'PRIMARY_RUNS',
    `${running.name} runs as a primary: nothing that it holds has to be restored from copies`,
    'go back to a moment before data was destroyed with `pointzero plan point-in-time-recovery`',
  )
}

/** A standby has what was acknowledged; the archive may lack the last of it. */
function requireNobodyPromotable(
  scene: ClusterScene,
  leader: PostgresMember,
  givenUp: ReadonlySet<string>,
): void {
  const { publishedSync, publishedCount } = scene.facts
  const isAsynchronous = publishedSync.length === 0 && publishedCount === 0
  const promotable = othersThan(scene, leader).filter(({ id, name }) => {
    const { reachable, role, systemIdentifier } = memberFacts(scene, id)
    const holds = reachable && (role === 'standby' || (role !== 'unknown' && systemIdentifier !== ''))
    return holds && !givenUp.has(name) && (isAsynchronous || publishedSync.includes(name))
  })
  const needed = isAsynchronous ? 1 : revocationsNeeded(publishedSync.length, publishedCount)
  if (needed === 0 || promotable.length < needed) return
  const names = promotable.map(({ name }) => name)
  throw refusal(
    'STANDBY_PROMOTABLE',
    `${names.join(', ')} can take over, with more than the copies may have`,
    `run \`pointzero plan zone-failover\`; if their data are damaged too, say so: \`--param lost=${names.join(',')}\``,
  )
}

function mayHoldData(
  scene: ClusterScene,
  leader: PostgresMember,
  open: readonly PostgresMember[],
): RecoveryError {
  const what = open.map(({ id, name }) => {
    const { reachable, role, systemIdentifier } = memberFacts(scene, id)
    if (!reachable) return `${name} does not answer and may have its data`
    return systemIdentifier === '' ? `${name} is ${role}` : `${name} is ${role} and has its data`
  })
  const { reachable, systemIdentifier } = memberFacts(scene, leader.id)
  const better =
    open.includes(leader) && reachable && systemIdentifier !== ''
      ? `let it lead again: \`pointzero plan reprotect --param member=${leader.name}\``
      : 'bring it back, then look at `pointzero plan zone-failover`'
  return refusal(
    'DATA_NOT_LOST',
    `not all data are seen to be lost: ${what.join('; ')}`,
    `${better}; or give them up, which is part of what is approved: \`--param lost=${open.map(({ name }) => name).join(',')}\``,
  )
}
