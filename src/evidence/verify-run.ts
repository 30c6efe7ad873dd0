import { canonicalJson } from '../domain/canonical-json.ts'
import type { Json } from '../domain/canonical-json.ts'
import { formats } from '../domain/format.ts'
import { digest } from '../engine/digest.ts'
import { verifyJournal } from '../engine/run-record.ts'
import type { SignatureVerifier } from '../ports/signer.ts'
import type { EvidenceContents } from './evidence-bundle.ts'
import { isCanonicalValue } from './evidence-chain.ts'
import { EvidenceDefect, integerAt, listAt, objectAt, requireEqual, textAt } from './evidence-defect.ts'
import type { JsonObject } from './evidence-defect.ts'
import { verifyApprovals } from './verify-approvals.ts'

/** Names the first record that was changed, left out or moved. The digest of the whole entry is checked by the caller. */
export function requireJournalChain(journal: Json, run: string, where: string): void {
  const texts = listAt(journal, where).map((record) =>
    isCanonicalValue(record) ? canonicalJson(record) : '',
  )
  const verdict = verifyJournal(run, texts)
  if (verdict.intact) return
  const { seq, reason, message } = verdict
  throw new EvidenceDefect(
    `JOURNAL_${reason.toUpperCase()}`,
    `${where}, record ${seq}, field ${reason}`,
    message,
  )
}

/** What the entries say must be the same thing: one run of one plan of one estate, asked for and approved by different people. */
export function verifyRun(
  head: JsonObject,
  contents: EvidenceContents,
  keys: ReadonlyMap<string, string>,
  verifier: SignatureVerifier,
): void {
  const plan = verifyPlan(head, contents)
  const opened = verifyOpening(head, contents, plan)
  const { approvals, estate } = contents
  verifyApprovals({ head, plan, opened, approvals, estate }, keys, verifier)
  verifyTimes(contents)
}

function verifyPlan(head: JsonObject, contents: EvidenceContents): JsonObject {
  const where = 'entry 0 plan'
  const plan = objectAt(contents.plan, where)
  requireEqual(plan['format'], formats.plan, 'FORMAT', `${where}, field format`)
  requireEqual(head['planHash'], digest(contents.plan), 'PLAN_HASH', 'head, field planHash')
  for (const field of ['estate', 'procedure', 'scenario', 'mode']) {
    requireEqual(head[field], plan[field] ?? null, 'HEAD_DIFFERS', `head, field ${field}`)
  }
  const estate = objectAt(contents.estate, 'entry 3 estate')
  requireEqual(estate['id'], plan['estate'] ?? null, 'ESTATE', 'entry 3 estate, field id')
  requireEqual(plan['estateDigest'], digest(contents.estate), 'ESTATE', `${where}, field estateDigest`)
  return plan
}

/** Returns the record that opened the run. */
function verifyOpening(head: JsonObject, contents: EvidenceContents, plan: JsonObject): JsonObject {
  const where = 'entry 4 journal'
  const records = listAt(contents.journal, where)
  const first = objectAt(records[0], `${where}, record 0`)
  const event = objectAt(first['event'], `${where}, record 0, field event`)
  requireEqual(event['type'], 'opened', 'JOURNAL_ORDER', `${where}, record 0, field event.type`)
  requireEqual(first['run'], head['run'] ?? null, 'HEAD_DIFFERS', `${where}, record 0, field run`)
  requireEqual(
    event['planHash'],
    head['planHash'] ?? null,
    'PLAN_HASH',
    `${where}, record 0, field event.planHash`,
  )
  if (canonicalJson(event['plan'] ?? null) !== canonicalJson(plan)) {
    throw new EvidenceDefect(
      'PLAN_HASH',
      `${where}, record 0, field event.plan`,
      'is not the plan of entry 0',
    )
  }
  requireEqual(head['status'], statusOf(records), 'HEAD_DIFFERS', 'head, field status')
  return first
}

function statusOf(records: readonly Json[]): Json {
  const where = `entry 4 journal, record ${records.length - 1}`
  const event = objectAt(objectAt(records.at(-1), where)['event'], `${where}, field event`)
  return event['type'] === 'finished' ? textAt(event, 'status', `${where}, field event`) : 'open'
}

/** The split must add up to what the clients' stamps say. */
function verifyTimes(contents: EvidenceContents): void {
  const where = 'entry 6 recovery-times'
  const measured = objectAt(contents.measurements, 'entry 5 measurements')
  const times = objectAt(contents['recovery-times'], where)
  const { firstFailedMs, firstAcknowledgedAfterMs } = measured
  if (typeof firstFailedMs !== 'number' || typeof firstAcknowledgedAfterMs !== 'number') {
    requireEqual(times['totalMs'] ?? null, null, 'TIMES', `${where}, field totalMs`)
    return
  }
  const total = integerAt(times, 'totalMs', where)
  requireEqual(total, firstAcknowledgedAfterMs - firstFailedMs, 'TIMES', `${where}, field totalMs`)
  const parts = objectAt(times['parts'], `${where}, field parts`)
  const names = Object.keys(parts)
  const sum = names.reduce((so, name) => so + integerAt(parts, name, `${where}, field parts`), 0)
  requireEqual(sum, total, 'TIMES', `${where}, field parts`)
}
