import { canonicalJson } from '../../src/domain/canonical-json.ts'
import type { Json } from '../../src/domain/canonical-json.ts'
import type { Plan } from '../../src/domain/plan.ts'
import type { Approval } from '../../src/engine/approval.ts'
import type { DeclaredPermission } from '../../src/engine/declared-permission.ts'
import { digest } from '../../src/engine/digest.ts'
import { planHash } from '../../src/engine/plan-hash.ts'
import type { RunEvent, RunRecord } from '../../src/engine/run-event.ts'
import { chainStart, createRecord } from '../../src/engine/run-record.ts'
import { buildEvidence } from '../../src/evidence/evidence-bundle.ts'
import type { EvidenceBundle, EvidenceParts } from '../../src/evidence/evidence-bundle.ts'
import type { Measurements } from '../../src/evidence/measurements.ts'
import { recoveryTimes } from '../../src/evidence/recovery-times.ts'
import { judgeObjectives } from '../../src/evidence/verdict.ts'
import { sampleKey } from './sample-keys.ts'

export const controlPlane = sampleKey('prn_control01', 1)
export const approver = sampleKey('prn_approver1', 2)
export const stranger = sampleKey('prn_stranger1', 3)
export const sampleKeys: ReadonlyMap<string, string> = new Map(
  [controlPlane, approver].map(({ principal, publicKey }) => [principal, publicKey]),
)

const startMs = 1_795_000_000_000

const estate: Json = { format: 'pointzero/estate/1', id: 'est_sample01', name: 'sample <b>&"\'' }

export const samplePlan: Plan = {
  format: 'pointzero/plan/1',
  procedure: 'zone-failover',
  procedureVersion: 1,
  productVersion: '0.1.0',
  estate: 'est_sample01',
  estateDigest: digest(estate),
  factsDigest: digest({}),
  scenario: 'zone-loss',
  parameters: {},
  scope: 'cluster:cmp_orders01',
  mode: 'real',
  steps: [
    step('promote', 'postgres.promote', 'point-of-no-return', 'execute', []),
    step('acknowledge', 'postgres.acknowledge', 'none', 'verify', ['promote']),
  ],
}

function step(
  id: string,
  action: string,
  effect: Plan['steps'][number]['effect'],
  phase: Plan['steps'][number]['phase'],
  after: readonly string[],
): Plan['steps'][number] {
  const retry = { attempts: 1, waitMs: 0 }
  return {
    id,
    action,
    actionVersion: 1,
    args: {},
    on: 'b1',
    after,
    proves: `${action} was seen`,
    effect,
    timeoutMs: 1_000,
    retry,
    phase,
  }
}

export function sampleApproval(changed: Partial<Approval> = {}, signer = approver): Approval {
  const unsigned = {
    format: 'pointzero/approval/1',
    estate: samplePlan.estate,
    planHash: planHash(samplePlan),
    scope: samplePlan.scope,
    approver: signer.principal as Approval['approver'],
    issuedAtMs: startMs - 5_000,
    expiresAtMs: startMs + 900_000,
    nonce: 'n0nce',
    reason: 'zone a is dark',
    ...changed,
  } as const
  return { ...unsigned, signature: signer.sign(new TextEncoder().encode(canonicalJson(unsigned))) }
}

export const sampleMeasurements: Measurements = {
  clientLogs: [{ name: 'client-1.ndjson', sha256: digest('client-1'), lines: 5_120 }],
  faultAtMs: startMs - 6_100,
  lastAcknowledgedBeforeMs: startMs - 6_040,
  firstFailedMs: startMs - 6_000,
  firstAcknowledgedAfterMs: startMs + 3_000,
  writes: { acknowledged: 5_000, found: 5_000, lost: 0, duplicated: 0, unknown: 4, lostIds: [] },
  lossMs: 0,
  transition: { requests: 120, failed: 118 },
  total: { requests: 5_122, failed: 118 },
  invariants: [{ name: 'ledger-balance', holds: true, detail: 'debits equal credits' }],
}

export function sampleJournal(
  approvals: readonly Approval[],
  plan = samplePlan,
  declared?: DeclaredPermission,
): readonly RunRecord[] {
  const output = { result: 'done', attempt: 1, elapsedMs: 10 } as const
  const events: readonly (readonly [number, RunEvent])[] = [
    [
      0,
      {
        type: 'opened',
        plan,
        planHash: planHash(plan),
        requestedBy: 'prn_operator1',
        approvals,
        ...(declared === undefined ? {} : { declared }),
        detection: { declaredAtMs: startMs - 2_000 },
      },
    ],
    [5, { type: 'took-over', executor: 'exe_1', scope: samplePlan.scope, epoch: 7 }],
    [10, { type: 'intent', step: 'promote', attempt: 1, kind: 'apply', on: 'b1', args: {} }],
    [1_500, { type: 'outcome', step: 'promote', ...output, proof: { timeline: 2 } }],
    [1_510, { type: 'intent', step: 'acknowledge', attempt: 1, kind: 'apply', on: 'b1', args: {} }],
    [2_200, { type: 'outcome', step: 'acknowledge', ...output, output: { counter: 91 } }],
    [2_300, { type: 'finished', status: 'completed', missing: [] }],
  ]
  const records: RunRecord[] = []
  for (const [seq, [offsetMs, event]] of events.entries()) {
    const prev = records.at(-1)?.hash ?? chainStart
    const record = { run: 'run_sample01', seq, prev, atMs: startMs + offsetMs, writer: 'exe_1', event }
    records.push(createRecord(JSON.parse(JSON.stringify(record)) as typeof record))
  }
  return records
}

export function sampleParts(changed: Partial<EvidenceParts> = {}): EvidenceParts {
  const approvals = changed.approvals ?? [sampleApproval()]
  const journal = changed.journal ?? sampleJournal(approvals)
  const measurements = changed.measurements ?? sampleMeasurements
  const times = recoveryTimes(journal, measurements)
  const measured = {
    scenario: 'zone-loss',
    status: 'completed',
    measurements,
    times,
    measuredAtMs: startMs,
  } as const
  return {
    plan: samplePlan,
    planHash: planHash(samplePlan),
    approvals,
    standingApprovals: [],
    principals: [{ id: 'prn_approver1', name: 'Ann', publicKey: approver.publicKey, roles: ['approver'] }],
    estate,
    journal,
    measurements,
    times,
    verdicts: judgeObjectives([{ scenario: 'zone-loss', rpoMs: 0, rtoMs: 300_000 }], measured),
    environment: {
      productVersion: '0.1.0',
      node: 'v26.10.0',
      platform: 'linux x64',
      servers: { orders: '180004' },
      load: {},
    },
    createdAtMs: startMs + 60_000,
    ...changed,
  }
}

export function sampleBundle(changed: Partial<EvidenceParts> = {}, signer = controlPlane): EvidenceBundle {
  return buildEvidence(sampleParts(changed), signer)
}
