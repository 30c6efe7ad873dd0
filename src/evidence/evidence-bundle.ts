import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import type { PrincipalId } from '../domain/id.ts'
import type { Plan } from '../domain/plan.ts'
import { assert } from '../domain/recovery-error.ts'
import type { Scenario } from '../domain/scenario.ts'
import type { Approval, Principal, StandingApproval } from '../engine/approval.ts'
import type { RunRecord, RunStatus } from '../engine/run-event.ts'
import type { Signer } from '../ports/signer.ts'
import { chainEntries } from './evidence-chain.ts'
import { keyFingerprint } from './key-fingerprint.ts'
import type { Measurements } from './measurements.ts'
import type { RecoveryTimes } from './recovery-times.ts'
import { runKind } from './run-kind.ts'
import type { RunKind } from './run-kind.ts'
import type { ScenarioVerdict } from './verdict.ts'

/** The members of a bundle, always all of them, always in this order. */
export const evidenceEntryNames = [
  'plan',
  'approvals',
  'principals',
  'estate',
  'journal',
  'measurements',
  'recovery-times',
  'verdicts',
  'environment',
] as const
export type EvidenceEntryName = (typeof evidenceEntryNames)[number]

export type EvidenceContents = Readonly<Record<EvidenceEntryName, Json>>

export interface EvidenceEntry {
  readonly seq: number
  readonly name: EvidenceEntryName
  readonly content: Json
  /** SHA-256 of the canonical JSON of `content`. */
  readonly digest: string
  /** `link` of the entry before; '' in the first. */
  readonly prev: string
  /** SHA-256 of the canonical JSON of `{digest, name, prev, seq}`. */
  readonly link: string
}

/** What the signature covers. Everything else follows from `chain`. */
export interface EvidenceHead {
  readonly format: 'pointzero/evidence/1'
  readonly estate: string
  readonly run: string
  readonly procedure: string
  readonly scenario: Scenario | 'none'
  readonly mode: Plan['mode']
  readonly status: RunStatus | 'open'
  readonly planHash: string
  readonly createdAtMs: number
  readonly productVersion: string
  readonly signer: string
  readonly entries: number
  /** `link` of the last entry. */
  readonly chain: string
}

export interface EvidenceBundle {
  readonly format: 'pointzero/evidence/1'
  readonly head: EvidenceHead
  readonly entries: readonly EvidenceEntry[]
  /** Ed25519 over the UTF-8 bytes of the canonical JSON of `head`, base64url. */
  readonly signature: string
}

export interface EvidenceEnvironment {
  readonly productVersion: string
  readonly node: string
  readonly platform: string
  /** Component name → server version. */
  readonly servers: Readonly<Record<string, string>>
  /** What the estate carried while it was measured. */
  readonly load: Readonly<Record<string, string | number>>
  /** It ran in a lab on one machine, whatever its plan says. */
  readonly place?: 'lab'
}

export interface EvidenceParts {
  readonly plan: Plan
  readonly planHash: string
  readonly approvals: readonly Approval[]
  readonly standingApprovals: readonly StandingApproval[]
  readonly principals: readonly Principal[]
  readonly estate: Json
  readonly journal: readonly RunRecord[]
  readonly measurements: Measurements
  readonly times: RecoveryTimes
  readonly verdicts: readonly ScenarioVerdict[]
  readonly environment: EvidenceEnvironment
  readonly createdAtMs: number
}

export function buildEvidence(parts: EvidenceParts, signer: Signer): EvidenceBundle {
  const { plan, journal } = parts
  const [first] = journal
  assert(first?.event.type === 'opened', 'evidence is built from a whole run journal')
  const entries = chainEntries(contents(parts))
  const head: EvidenceHead = {
    format: 'pointzero/evidence/1',
    estate: plan.estate,
    run: first.run,
    procedure: plan.procedure,
    scenario: plan.scenario,
    mode: plan.mode,
    status: runStatusOf(journal),
    planHash: parts.planHash,
    createdAtMs: parts.createdAtMs,
    productVersion: parts.environment.productVersion,
    signer: signer.principal,
    entries: entries.length,
    chain: entries.at(-1)?.link ?? '',
  }
  const signature = signer.sign(new TextEncoder().encode(canonicalJson(asJson(head))))
  return { format: 'pointzero/evidence/1', head, entries, signature }
}

/** The bytes of a bundle file. A verifier refuses any other spelling of the same value. */
export function evidenceText(bundle: EvidenceBundle): string {
  return `${canonicalJson(asJson(bundle))}\n`
}

export function runStatusOf(journal: readonly RunRecord[]): RunStatus | 'open' {
  const last = journal.at(-1)
  return last?.event.type === 'finished' ? last.event.status : 'open'
}

/** Content of one entry; the caller knows its type from the name. */
export function entryContent<T>(bundle: EvidenceBundle, name: EvidenceEntryName): T {
  const entry = bundle.entries.find((candidate) => candidate.name === name)
  assert(entry !== undefined, `a verified bundle has an entry ${name}`)
  return entry.content as unknown as T
}

/** How a bundle's run is shown; from the bundle alone. */
export function kindOfRun(bundle: EvidenceBundle): RunKind {
  return runKind(bundle.head.mode, entryContent<EvidenceEnvironment>(bundle, 'environment').place)
}

/** Key ids are there for people who look a principal up; nobody verifies with them. */
export interface PrincipalEntry {
  readonly id: PrincipalId
  readonly name: string
  readonly roles: Principal['roles']
  readonly keyFingerprint: string
}

function contents(parts: EvidenceParts): readonly (readonly [EvidenceEntryName, Json])[] {
  const principals: readonly PrincipalEntry[] = parts.principals.map(({ id, name, roles, publicKey }) => {
    return { id, name, roles, keyFingerprint: keyFingerprint(publicKey) }
  })
  const byName: Record<EvidenceEntryName, unknown> = {
    plan: parts.plan,
    approvals: { approvals: parts.approvals, standing: parts.standingApprovals },
    principals,
    estate: parts.estate,
    journal: parts.journal,
    measurements: parts.measurements,
    'recovery-times': parts.times,
    verdicts: parts.verdicts,
    environment: parts.environment,
  }
  return evidenceEntryNames.map((name) => [name, asJson(byName[name])])
}

/** Our own plain-data types are JSON; the compiler can not see that of an interface. */
function asJson(value: unknown): Json {
  return value as Json
}
