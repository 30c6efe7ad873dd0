import { setTimeout as sleep } from 'node:timers/promises'
import { RecoveryError } from '../../domain/recovery-error.ts'
import type { EvidenceBundle } from '../../evidence/evidence-bundle.ts'
import { approvedPlan } from '../../lab/approved-plan.ts'
import { corruptDatabase } from '../../lab/faults/seeded-fault.ts'
import { isProtected } from '../../lab/lab-adoption.ts'
import { jsonAsPerson } from '../../lab/lab-command.ts'
import { judgeLab, measurementsOf } from '../../lab/lab-judgement.ts'
import { corruptionLogFile } from '../../lab/lab-paths.ts'
import { databaseBytes, scaleOf } from '../../lab/lab-scale.ts'
import { untilStatus } from '../../lab/lab-status.ts'
import { startWorkload } from '../../lab/lab-workload.ts'
import { gatherEvidence } from '../collect-evidence.ts'
import { currentLeader } from './current-leader.ts'
import type { Demonstration } from './demonstration.ts'
import { latestRun } from './latest-run.ts'

const rtoMs = 300_000
const faultMoment = { earliestMs: 3_000, latestMs: 7_000 }
const afterwardsMs = 3_000
const searchEveryMs = 500
const searchTimeoutMs = 60_000

/** Of the reply of `pointzero corruption find --json`. */
interface Suspicion {
  readonly xid: number
  readonly time: string
  readonly kind: string
  readonly name?: string
}

/**
 * Somebody's statement ruins the ledger, and every server is well. An operator looks for it, names the transaction, another person approves
 * the plan, and the database comes back as it was just before. What was acknowledged after it is counted, exported and undone.
 */
export async function corruptAndRecover(demonstration: Demonstration): Promise<EvidenceBundle> {
  const { terminal, connection, lab, seed, say } = demonstration
  const { stop } = terminal
  const startedMs = performance.now()
  const since = new Date(terminal.nowMs()).toISOString()
  const stopWorkload = await startWorkload(lab, seed + 1, '-again')
  say('clients write again; somebody is about to make a mistake')
  const log = corruptionLogFile(lab.state.directory)
  await corruptDatabase(lab, { kind: 'corrupt-any', log, seed, ...faultMoment }, stop)
  say('the ledger is corrupted; no server is down, and the product was told nothing')
  const found = await findCorruption(demonstration, since)
  say(
    `the operator finds transaction ${found.xid}, ${found.time}: ${found.kind} of ${found.name ?? 'an unknown table'}`,
  )
  await recoverBefore(demonstration, found.xid)
  say('the ledger is as it was just before; clients go on')
  const status = await untilStatus(lab.state, 'both standbys follow again', isProtected, rtoMs)
  const leader = currentLeader(status)
  await sleep(afterwardsMs, undefined, { signal: stop })
  await stopWorkload()
  const loadMs = performance.now() - startedMs
  const judgement = await judgeLab(lab, leader, rtoMs, log)
  say(`the checker says: ${judgement.verdict}`)
  const run = await latestRun(connection, 'point-in-time-recovery')
  const { ledgerRows, corruption } = judgement.figures
  const load = { fault: corruption?.kind ?? 'none', seed, ledgerRows }
  const scale = scaleOf(judgement, { bytes: await databaseBytes(lab, leader), loadMs })
  return gatherEvidence(connection, { run, measurements: measurementsOf(lab, judgement), load, scale })
}

function notFound(since: string): RecoveryError {
  return new RecoveryError({
    code: 'DEMO_CORRUPTION_NOT_FOUND',
    class: 'permanent',
    message: `nothing that was written since ${since} looks like a corruption`,
    hint: 'see whether the WAL arrives: `pointzero status`, then `pointzero corruption find --from <time>`',
  })
}

/** As an operator would: asks for what took much away since the trouble began, until the archive has it. */
async function findCorruption({ terminal, lab }: Demonstration, since: string): Promise<Suspicion> {
  const ask = ['corruption', 'find', '--from', since]
  for (const deadline = performance.now() + searchTimeoutMs; ;) {
    const { transactions } = await jsonAsPerson<{ readonly transactions: readonly Suspicion[] }>(
      lab.state,
      lab.network,
      'operator',
      ask,
    )
    const [first] = transactions
    if (first !== undefined) return first
    if (performance.now() > deadline) throw notFound(since)
    await sleep(searchEveryMs, undefined, { signal: terminal.stop })
  }
}

async function recoverBefore({ lab, say }: Demonstration, xid: number): Promise<void> {
  const { state, network } = lab
  const wish = ['point-in-time-recovery', '--param', `target=xid:${xid}`]
  const hash = await approvedPlan(lab, wish, 'the ledger is corrupted')
  say(`the plan to just before it is approved: ${hash.slice(0, 12)}…`)
  await jsonAsPerson(state, network, 'operator', ['run', ...wish, '--approve', hash])
}
