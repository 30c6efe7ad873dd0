import type { FormatName } from '../domain/format.ts'
import { requireFormat } from '../domain/format.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Approval, StandingApproval } from './approval.ts'

const texts = ['estate', 'scope', 'approver', 'nonce', 'signature']
const times = ['issuedAtMs', 'expiresAtMs']
/** What a key of the control store may be made of. */
const usable = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/

/** Whoever may write approvals may write nonsense: it approves nothing, and it stops nobody else's. */
export function readApproval(text: string, where: string): Approval {
  return read(text, where, 'approval', [...texts, 'planHash', 'reason']) as unknown as Approval
}

export function readStandingApproval(text: string, where: string): StandingApproval {
  const fields = [...texts, 'procedure', 'policyDigest']
  return read(text, where, 'standingApproval', fields) as unknown as StandingApproval
}

type Fields = Readonly<Record<string, unknown>>

function read(text: string, where: string, format: FormatName, named: readonly string[]): Fields {
  const fields = objectIn(text)
  if (fields === undefined) throw unreadable(where, 'it is no JSON object')
  requireFormat(format, fields['format'], where)
  const wrong =
    named.find((name) => typeof fields[name] !== 'string') ??
    times.find((name) => !Number.isSafeInteger(fields[name]))
  if (wrong !== undefined) throw unreadable(where, `${wrong} is missing or of another kind`)
  if (usable.test(String(fields['nonce']))) return fields
  throw unreadable(where, 'nonce is not one')
}

function objectIn(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : undefined
  } catch {
    return undefined // no JSON at all
  }
}

function unreadable(where: string, why: string): RecoveryError {
  return new RecoveryError({
    code: 'APPROVAL_UNREADABLE',
    class: 'refused',
    message: `not approved: ${where} holds no approval: ${why}`,
    hint: 'approve again with `pointzero approve`, and ask who wrote that',
  })
}
