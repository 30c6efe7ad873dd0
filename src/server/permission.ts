import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Principal } from '../engine/approval.ts'
import type { Peer } from '../ports/network.ts'
import { statusMethods } from './status-wire.ts'
import { storeMethods } from './store-wire.ts'

type Role = Principal['roles'][number]

/** Principals whose executors agents obey. */
export function executorsAmong(principals: readonly Principal[]): readonly string[] {
  return principals
    .filter(({ roles }) => roles.includes('operator') || roles.includes('control-plane'))
    .map(({ id }) => id)
}

/**
 * Who may ask the control plane for what: everybody it knows may read; operators open and execute runs; approvers hand in approvals. A
 * certificate of the estate's authority alone opens nothing. Pure.
 */
export function requirePermission(
  principals: readonly Principal[],
  peer: Peer,
  method: string,
  body: Json,
): void {
  const principal = principals.find(({ id }) => id === peer.subject)
  if (principal === undefined) throw notAllowed(`${peer.subject} is not a principal of this estate`)
  const needed = rolesFor(method, body)
  if (needed.length === 0 || needed.some((role) => principal.roles.includes(role))) return
  throw notAllowed(
    `${principal.name} (${principal.id}) is ${principal.roles.join(', ')}; this takes ${needed.join(' or ')}`,
  )
}

function rolesFor(method: string, body: Json): readonly Role[] {
  if (method === statusMethods.openRun) return ['operator', 'control-plane']
  if (method !== storeMethods.transact) return []
  return onlyApprovals(body) ? ['approver', 'operator', 'control-plane'] : ['operator', 'control-plane']
}

function onlyApprovals(body: Json): boolean {
  const { put } = (body ?? {}) as { readonly put?: readonly { readonly key?: unknown }[] }
  return (
    Array.isArray(put) &&
    put.every(({ key }) => typeof key === 'string' && /^pz\/[^/]+\/(approvals|standing)\//.test(key))
  )
}

function notAllowed(message: string): RecoveryError {
  return new RecoveryError({
    code: 'PEER_NOT_ALLOWED',
    class: 'refused',
    message,
    hint: "principals and their roles are in the control plane's configuration; see `pointzero principal list`",
  })
}
