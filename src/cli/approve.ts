import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import { signApproval, signStandingApproval } from '../engine/approval-signature.ts'
import { digest } from '../engine/digest.ts'
import { parseDurationMs } from '../estate/duration.ts'
import { clusterNamed, scopeOf } from '../estate/estate-lookup.ts'
import { automaticProcedureNamed } from '../procedures/parts/catalogue.ts'
import type { ApproveOptions } from './commands/approve.ts'
import { connect, shownAs } from './connection.ts'
import type { Connection } from './connection.ts'
import { proposedPlan } from './proposed-plan.ts'
import { milliseconds } from './render/milliseconds.ts'
import { paintFor } from './render/paint.ts'
import { planText } from './render/plan-text.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'

const onceMs = 15 * 60_000
const standingMs = 90 * 24 * 3_600_000

/** Shows what is approved, then signs it. The control plane's clock judges the expiry later. */
export async function approve(
  terminal: Terminal,
  hash: string | undefined,
  options: ApproveOptions,
): Promise<void> {
  if ((hash === undefined) === (options.standing === undefined)) {
    throw usageError('name either a plan hash or --standing <procedure>', '`pointzero approve <hash>`')
  }
  const connection = await connect(terminal, options)
  requireApprover(connection)
  const put =
    hash === undefined ? await standing(connection, options) : await once(terminal, connection, hash, options)
  await connection.store.transact({
    compare: put.once ? [{ key: put.key, revision: 0 }] : [],
    put: [{ key: put.key, value: canonicalJson(put.approval as unknown as Json) }],
  })
  if (options.json === true) terminal.write(`${JSON.stringify({ approval: put.approval })}\n`)
  else terminal.write(`approved by ${connection.context.principal} for ${milliseconds(put.validMs)}\n`)
}

/** The control plane judges it again; here nobody signs in vain, and no useless yes stands beside a good one. */
function requireApprover({ context }: Connection): void {
  const known = context.pinned.find(({ id }) => id === context.principal)
  if (known === undefined || known.roles.includes('approver')) return
  throw new RecoveryError({
    code: 'APPROVAL_NOT_APPROVER',
    class: 'refused',
    message: `${known.name} (${known.id}) may not approve now`,
    hint: 'ask somebody with the role approver',
  })
}

async function once(terminal: Terminal, connection: Connection, hash: string, options: ApproveOptions) {
  const plan = await proposedPlan(connection, hash)
  if (options.json !== true)
    terminal.write(planText(plan, hash, paintFor(terminal), shownAs(connection, plan.mode)))
  const rule = connection.estate.approvals?.find(({ procedure }) => procedure === plan.procedure)
  const validMs = validity(options.expires, rule?.validMs ?? onceMs)
  const { estate, keys } = connection
  const fields = {
    estate: estate.id,
    planHash: hash,
    scope: plan.scope,
    reason: options.reason ?? '',
    ...term(connection, validMs),
  }
  const approval = signApproval(fields, await connection.signer())
  return { key: keys.approval(hash, approval.nonce), approval, validMs, once: true }
}

async function standing(connection: Connection, options: ApproveOptions) {
  const { estate, keys } = connection
  const procedure = automaticProcedureNamed(options.standing ?? '').name
  const cluster = clusterNamed(estate, options.cluster)
  const validMs = validity(options.expires, standingMs)
  const policyDigest = digest(cluster.policy)
  const fields = {
    estate: estate.id,
    procedure,
    scope: scopeOf(cluster),
    policyDigest,
    ...term(connection, validMs),
  }
  const approval = signStandingApproval(fields, await connection.signer())
  return { key: keys.standing(procedure, approval.scope), approval, validMs, once: false }
}

function term({ world }: Connection, validMs: number) {
  const issuedAtMs = world.clock.now()
  return { issuedAtMs, expiresAtMs: issuedAtMs + validMs, nonce: world.random.idBody(24) }
}

function validity(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const validMs = parseDurationMs(text)
  if (validMs !== undefined && validMs > 0) return validMs
  throw usageError(`--expires ${text} is not a duration`, 'write PT15M, PT2H or P30D')
}
