/**
 * Immutable identities. A name is a label that people may change; an id is never reused. The prefix makes kinds distinct
 * on sight and in the type system, so that a component id can not be passed for an estate id (incident D04).
 */
export type EstateId = `est_${string}`
export type ComponentId = `cmp_${string}`
export type MemberId = `mbr_${string}`
export type HostId = `hst_${string}`
export type PrincipalId = `prn_${string}`
export type RunId = `run_${string}`
export type AnyId = EstateId | ComponentId | MemberId | HostId | PrincipalId | RunId

const body = /^[a-z0-9]{6,32}$/

export function isId<P extends string>(text: string, prefix: P): text is `${P}_${string}` {
  return text.startsWith(`${prefix}_`) && body.test(text.slice(prefix.length + 1))
}
