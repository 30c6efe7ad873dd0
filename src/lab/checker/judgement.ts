import { findWrites } from './acknowledged-writes.ts'
import type { WriteFindings } from './acknowledged-writes.ts'
import { findDualConfirms, findDualRoles } from './confirming-primaries.ts'
import type { DualConfirm, DualRole } from './confirming-primaries.ts'
import type { EngineState } from './engine-state.ts'
import { replayTwin, wrongOutbox } from './order-twin.ts'
import type { FaultRecord, RawLog } from './raw-log.ts'
import { viewOfClients } from './recovery-time.ts'
import type { ClientView } from './recovery-time.ts'
import type { SurvivingRows } from './surviving-rows.ts'

export type Verdict = 'passed' | 'failed' | 'inconclusive'

export interface Finding {
  readonly check: string
  readonly verdict: Verdict
  readonly detail: string
}

export interface Figures {
  readonly acknowledgedWrites: number
  readonly lostWrites: number
  readonly lostIds: readonly string[]
  /** Age of the recovery point at the disaster: 0 when nothing was lost. */
  readonly recoveryPointMs: number
  readonly orders?: ClientView
  readonly rawWrites?: ClientView
  readonly dualConfirms: readonly DualConfirm[]
  readonly dualRoles: readonly DualRole[]
  readonly ledgerRows: number
  readonly server: string
  readonly timeline: number
  readonly twinHash: string
  readonly engineHash?: string
  readonly faultMs?: number
  readonly corruption?: CorruptionFigures
}

/** What a recovery to the moment before a corruption undid: writes that clients were told are done, made after that moment. */
export interface CorruptionFigures {
  readonly kind: string
  /** When the corrupting transaction began, and when its commit was confirmed. */
  readonly fromMs: number
  readonly toMs: number
  readonly undoneWrites: number
  readonly undoneIds: readonly string[]
  /** From the beginning of the corruption to the last acknowledgement that was undone. */
  readonly undoneMs: number
}

export interface Judgement {
  readonly format: 'pointzero/checker-report/1'
  readonly verdict: Verdict
  readonly findings: readonly Finding[]
  readonly figures: Figures
}

export interface Evidence {
  readonly logs: readonly RawLog[]
  readonly rows: SurvivingRows
  /** Absent: the engine was not asked. `silent`: it did not answer. */
  readonly engine?: EngineState | 'silent'
  /** Absent: no fault was announced to this checker. */
  readonly faults?: readonly FaultRecord[]
  /** The objective for the recovery time, if one is to be judged. */
  readonly recoveryTimeMs?: number
}

/** Pure: the same evidence gives the same judgement. */
export function judge(evidence: Evidence): Judgement {
  const { logs, rows, engine, faults } = evidence
  const attempts = logs.flatMap(({ attempts }) => attempts)
  const corruption = faults === undefined ? undefined : corruptionOf(faults)
  const fault = faults?.find(({ event }) => event === 'began')
  const view = (client: string): ClientView | undefined => viewOf(logs, client, fault?.monoMs)
  const orders = view('order-gateway')
  const rawWrites = view('raw-writer')
  const writes = findWrites(attempts, rows, corruption?.fromMs)
  const disasterMs =
    fault?.monoMs ?? orders?.transition?.firstFailedMs ?? rawWrites?.transition?.firstFailedMs
  const lostForMs = writes.earliestLostMs === undefined ? 0 : (disasterMs ?? 0) - writes.earliestLostMs
  const through = typeof engine === 'object' ? engine.sequence : Number.MAX_SAFE_INTEGER
  const twin = replayTwin(rows.ledger, through)
  const dualConfirms = findDualConfirms(attempts)
  const outbox = wrongOutbox(rows)
  const survival =
    corruption === undefined
      ? 'acknowledged writes survive'
      : 'acknowledged writes of the time before the corruption survive'
  const findings = [
    somethingHappened(logs, evidence.faults, writes.acknowledged),
    none(survival, writes.lost),
    none('no write is done twice', writes.doubled),
    none('nothing is there that was not sent', [...writes.neverSent, ...writes.altered]),
    none('what was refused did not happen', writes.refusedButThere),
    oneConfirms(dualConfirms),
    none('every sequence number is there', twin.missingSequences.map(String)),
    none('the fills are those of an uncrashed twin', twin.wrongFills.map(String)),
    none('every effect is in the outbox, once', outbox),
    ...(engine === undefined ? [] : [engineAgrees(engine, twin.hash, rows)]),
    ...(evidence.recoveryTimeMs === undefined
      ? []
      : [recoveredInTime(orders ?? rawWrites, evidence.recoveryTimeMs)]),
  ]
  return {
    format: 'pointzero/checker-report/1',
    verdict: worst(findings),
    findings,
    figures: {
      acknowledgedWrites: writes.acknowledged,
      lostWrites: writes.lost.length,
      lostIds: writes.lost,
      // A lost write that was acknowledged after the disaster still counts for something.
      recoveryPointMs: writes.lost.length === 0 ? 0 : Math.max(1, Math.round(lostForMs)),
      ...(orders === undefined ? {} : { orders }),
      ...(rawWrites === undefined ? {} : { rawWrites }),
      dualConfirms,
      dualRoles: findDualRoles(logs.flatMap(({ roles }) => roles)),
      ledgerRows: rows.ledger.length,
      server: rows.server,
      timeline: rows.timeline,
      twinHash: twin.hash,
      ...(typeof engine === 'object' ? { engineHash: engine.stateHash } : {}),
      ...(fault === undefined ? {} : { faultMs: fault.monoMs }),
      ...(corruption === undefined ? {} : { corruption: { ...corruption, ...undoneOf(writes, corruption) } }),
    },
  }
}

type Corruption = Pick<CorruptionFigures, 'kind' | 'fromMs' | 'toMs'>

/** A corruption is a fault of data: it has no place, and its moment is between the beginning and the confirmed end of its transaction. */
function corruptionOf(faults: readonly FaultRecord[]): Corruption | undefined {
  const began = faults.find(({ kind, event }) => kind.startsWith('corrupt-') && event === 'began')
  if (began === undefined) return undefined
  const beginning = faults.find(({ kind, event }) => kind === began.kind && event === 'beginning')
  return { kind: began.kind, fromMs: (beginning ?? began).monoMs, toMs: began.monoMs }
}

function undoneOf({ undone, latestUndoneMs }: WriteFindings, { fromMs }: Corruption) {
  const undoneMs = latestUndoneMs === undefined ? 0 : Math.max(1, Math.round(latestUndoneMs - fromMs))
  return { undoneWrites: undone.length, undoneIds: undone, undoneMs }
}

function viewOf(
  logs: readonly RawLog[],
  client: string,
  faultMs: number | undefined,
): ClientView | undefined {
  const of = logs.filter((log) => log.client === client)
  if (of.length === 0) return undefined
  const attempts = of.flatMap(({ attempts }) => attempts).toSorted((a, b) => a.sentMs - b.sentMs)
  return viewOfClients(attempts, faultMs, Math.max(...of.map(({ toMs }) => toMs)))
}

/** A test in which nothing happened proves nothing. */
function somethingHappened(
  logs: readonly RawLog[],
  faults: readonly FaultRecord[] | undefined,
  acknowledged: number,
): Finding {
  const check = 'something was tested'
  const fault = faults?.find(({ event }) => event === 'began')
  if (acknowledged === 0) return { check, verdict: 'inconclusive', detail: 'no write was ever acknowledged' }
  if (faults !== undefined && fault === undefined) {
    return { check, verdict: 'inconclusive', detail: 'the fault was announced and did not begin' }
  }
  const after = logs.filter(({ toMs }) => fault === undefined || toMs > fault.monoMs)
  if (after.length === 0) return { check, verdict: 'inconclusive', detail: 'every log ends before the fault' }
  const done = fault === undefined ? 'no fault' : `${fault.kind} on ${fault.target}`
  return { check, verdict: 'passed', detail: `${acknowledged} acknowledged writes, ${done}` }
}

function none(check: string, offenders: readonly string[]): Finding {
  if (offenders.length === 0) return { check, verdict: 'passed', detail: '' }
  const shown = offenders.slice(0, 5).join(', ')
  return {
    check,
    verdict: 'failed',
    detail: `${offenders.length}: ${shown}${offenders.length > 5 ? ' …' : ''}`,
  }
}

function oneConfirms(dualConfirms: readonly DualConfirm[]): Finding {
  const sentences = dualConfirms.map(
    ({ olderServer, olderTimeline, newerServer, newerTimeline, writes, ...at }) => {
      const span = Math.round(at.toMs - at.fromMs)
      return `${olderServer} (timeline ${olderTimeline}) confirmed ${writes} after ${newerServer} (timeline ${newerTimeline}) had, over ${span} ms`
    },
  )
  const verdict = sentences.length === 0 ? 'passed' : 'failed'
  return { check: 'one primary confirms at a time', verdict, detail: sentences.join('; ') }
}

function engineAgrees(engine: EngineState | 'silent', twinHash: string, rows: SurvivingRows): Finding {
  const check = "the engine's state is that of an uncrashed twin"
  if (engine === 'silent') return { check, verdict: 'inconclusive', detail: 'the engine does not answer' }
  if (!engine.ready) return { check, verdict: 'inconclusive', detail: 'the engine is not ready' }
  const last = rows.ledger.at(-1)?.sequence ?? 0
  if (engine.sequence > last) {
    return { check, verdict: 'failed', detail: `it is at ${engine.sequence}, the ledger ends at ${last}` }
  }
  const verdict = engine.stateHash === twinHash ? 'passed' : 'failed'
  return {
    check,
    verdict,
    detail: `at sequence ${engine.sequence}: ${engine.stateHash.slice(0, 16)}, twin ${twinHash.slice(0, 16)}`,
  }
}

function recoveredInTime(view: ClientView | undefined, objectiveMs: number): Finding {
  const check = 'the recovery time is within its objective'
  if (view === undefined) return { check, verdict: 'inconclusive', detail: 'no client kept a log' }
  if (view.transition === undefined) return { check, verdict: 'passed', detail: 'no request failed' }
  const { recoveryMs } = view.transition
  if (recoveryMs === undefined)
    return { check, verdict: 'failed', detail: 'nothing was acknowledged any more' }
  const verdict = recoveryMs <= objectiveMs ? 'passed' : 'failed'
  return { check, verdict, detail: `${Math.round(recoveryMs)} ms of ${objectiveMs} ms` }
}

function worst(findings: readonly Finding[]): Verdict {
  const verdicts = new Set(findings.map(({ verdict }) => verdict))
  if (verdicts.has('failed')) return 'failed'
  return verdicts.has('inconclusive') ? 'inconclusive' : 'passed'
}
