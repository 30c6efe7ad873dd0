/**
 * `ANY count (names)`: whoever is named may acknowledge a commit, and it waits for so many of them. Members may be promoted; a capture of WAL
 * may not, so what it holds alone is no candidate's. With c captures among the names at least `count - c` members hold every commit that was
 * acknowledged: that is the members' part of the rule, and all that a change of primary depends on.
 */
export interface SynchronousRule {
  readonly names: readonly string[]
  readonly count: number
}

/** Whoever is no capture counts as a member: also one that is not declared any more, whose confirmations were and are waited for. */
export function membersPart(
  { names, count }: SynchronousRule,
  captures: ReadonlySet<string>,
): SynchronousRule {
  const members = names.filter((name) => !captures.has(name))
  return { names: members, count: Math.max(count - (names.length - members.length), 0) }
}

/** Of so many members as before, and of each of the captures: whatever these do, no commit is held by fewer members. */
export function withCaptures({ names, count }: SynchronousRule, named: readonly string[]): SynchronousRule {
  return { names: [...new Set([...names, ...named])].sort(), count: count + named.length }
}

/** Every set that can acknowledge has all of the names in it, and so the capture. */
export function waitsForEach({ names, count }: SynchronousRule): boolean {
  return names.length > 0 && count >= names.length
}

/**
 * What may be published while one of the two is loaded: the members of both and no more of them than either waits for, so that a failover asks
 * for enough; and of captures only those that both name, so that no archive is believed to hold what it may lack.
 */
export function coveringRule(
  before: SynchronousRule,
  after: SynchronousRule,
  captures: ReadonlySet<string>,
): SynchronousRule {
  const parts = [membersPart(before, captures), membersPart(after, captures)]
  const names = [...new Set(parts.flatMap((part) => part.names))].sort()
  // One that captures can meet without each other says nothing of any of them.
  const isWhole = [before, after].every((rule) => rule.count >= namedOf(rule, captures).length)
  const named = namedOf(before, captures).filter((name) => isWhole && after.names.includes(name))
  return withCaptures({ names, count: Math.min(...parts.map(({ count }) => count)) }, named)
}

/** Whether failovers and restores that believe what is published are right about a primary with what is loaded. */
export function covers(
  published: SynchronousRule,
  loaded: SynchronousRule,
  captures: ReadonlySet<string>,
): boolean {
  const [told, held] = [membersPart(published, captures), membersPart(loaded, captures)]
  const isFenced = held.names.every((name) => told.names.includes(name)) && told.count <= held.count
  const believed = waitsForEach(published) ? namedOf(published, captures) : []
  const isHeld = waitsForEach(loaded) && believed.every((name) => loaded.names.includes(name))
  return isFenced && (believed.length === 0 || isHeld)
}

function namedOf({ names }: SynchronousRule, captures: ReadonlySet<string>): readonly string[] {
  return names.filter((name) => captures.has(name))
}
