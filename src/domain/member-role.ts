/**
 * What a PostgreSQL member is seen to do. `unknown` is a state of its own: unreachable is not down (law 7).
 * `stopped` means that the agent beside it saw no postmaster; `starting` accepts no session yet.
 */
export type MemberRole = 'primary' | 'standby' | 'starting' | 'stopped' | 'unknown'
