import type { MemberFacts } from './facts.ts'

/**
 * The agent beside it answers and sees neither a server nor a control file that could be read: nothing of the database can be started
 * there. Of a member that does not answer that is never known.
 */
export function holdsNothing({
  reachable,
  role,
  systemIdentifier,
}: Pick<MemberFacts, 'reachable' | 'role' | 'systemIdentifier'>): boolean {
  return reachable && role === 'stopped' && systemIdentifier === ''
}
