import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import { EvidenceDefect, integerAt, listAt, objectAt, requireEqual, textAt } from './evidence-defect.ts'
import type { JsonObject } from './evidence-defect.ts'
import { verifyDeclared } from './verify-declared.ts'

export interface ApprovedRun {
  readonly head: JsonObject
  readonly plan: JsonObject
  /** The first record of the run journal. */
  readonly opened: JsonObject
  readonly approvals: Json
  readonly estate: Json | undefined
}

/** Clocks of the one who approved and of the one who opened the run need not agree to the second. */
const clockToleranceMs = 60_000

const entry = 'entry 1 approvals'

/** Each signature is by a pinned key of somebody else than who asked; a real run has at least one yes, or the estate declares it. */
export function verifyApprovals(
  run: ApprovedRun,
  keys: ReadonlyMap<string, string>,
  verifier: SignatureVerifier,
): void {
  const content = objectAt(run.approvals, entry)
  const event = objectAt(run.opened['event'], 'entry 4 journal, record 0, field event')
  const approvals = listAt(content['approvals'], `${entry}, field approvals`)
  if (canonicalJson(event['approvals'] ?? null) !== canonicalJson(approvals)) {
    const where = 'entry 4 journal, record 0, field event.approvals'
    throw new EvidenceDefect('APPROVAL', where, 'is not the approvals of entry 1')
  }
  const standing = listAt(content['standing'], `${entry}, field standing`)
  const shown = event['standing'] === undefined ? [] : [event['standing']]
  if (canonicalJson(shown) !== canonicalJson(standing)) {
    const where = 'entry 4 journal, record 0, field event.standing'
    throw new EvidenceDefect('APPROVAL', where, 'is not the standing approval of entry 1')
  }
  const requester = textAt(event, 'requestedBy', 'entry 4 journal, record 0, field event')
  for (const [index, value] of approvals.entries()) {
    const where = `${entry}, record ${index}`
    const approval = objectAt(value, where)
    requireEqual(approval['format'], formats.approval, 'FORMAT', `${where}, field format`)
    requireEqual(approval['planHash'], run.head['planHash'] ?? null, 'APPROVAL', `${where}, field planHash`)
    requireEqual(approval['scope'], run.plan['scope'] ?? null, 'APPROVAL', `${where}, field scope`)
    requireOther(approval, requester, where)
    verifyOne(approval, run, where, { keys, verifier })
  }
  for (const [index, value] of standing.entries()) {
    const where = `${entry}, standing record ${index}`
    const approval = objectAt(value, where)
    requireEqual(approval['format'], formats.standingApproval, 'FORMAT', `${where}, field format`)
    requireEqual(
      approval['procedure'],
      run.plan['procedure'] ?? null,
      'APPROVAL',
      `${where}, field procedure`,
    )
    requireEqual(approval['scope'], run.plan['scope'] ?? null, 'APPROVAL', `${where}, field scope`)
    requireOther(approval, requester, where)
    verifyOne(approval, run, where, { keys, verifier })
  }
  const { declared } = event
  if (declared !== undefined) return verifyDeclared(declared, run.plan, run.estate)
  if (run.head['mode'] === 'real' && approvals.length + standing.length === 0) {
    throw new EvidenceDefect('APPROVAL', entry, 'is empty: nobody approved this real run')
  }
}

function requireOther(approval: JsonObject, requester: string, where: string): void {
  if (approval['approver'] !== requester) return
  const what = `is ${requester}, who asked for the run`
  throw new EvidenceDefect('APPROVER_IS_REQUESTER', `${where}, field approver`, what)
}

interface Believed {
  readonly keys: ReadonlyMap<string, string>
  readonly verifier: SignatureVerifier
}

function verifyOne(approval: JsonObject, run: ApprovedRun, where: string, believed: Believed): void {
  requireEqual(approval['estate'], run.head['estate'] ?? null, 'ESTATE', `${where}, field estate`)
  const approver = textAt(approval, 'approver', where)
  const key = believed.keys.get(approver)
  if (key === undefined) {
    throw new EvidenceDefect('KEY_NOT_PINNED', `${where}, field approver`, `no key of ${approver} was given`)
  }
  const { signature: _, ...covered } = approval
  const message = new TextEncoder().encode(canonicalJson(covered))
  if (!believed.verifier.verify(key, message, textAt(approval, 'signature', where))) {
    throw new EvidenceDefect('SIGNATURE', `${where}, field signature`, `is not a signature by ${approver}`)
  }
  const openedAtMs = integerAt(run.opened, 'atMs', 'entry 4 journal, record 0')
  const { issuedAtMs, expiresAtMs } = approval
  const isEarly = openedAtMs + clockToleranceMs < Number(issuedAtMs)
  if (isEarly || openedAtMs - clockToleranceMs > Number(expiresAtMs)) {
    throw new EvidenceDefect('APPROVAL', where, 'was not valid when the run was opened')
  }
}
