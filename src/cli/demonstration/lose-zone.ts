import { setTimeout as sleep } from 'node:timers/promises'
import type { EvidenceBundle } from '../../evidence/evidence-bundle.ts'
import { loseZoneOfPrimary } from '../../lab/faults/seeded-fault.ts'
import { isProtected } from '../../lab/lab-adoption.ts'
import type { LabHostName } from '../../lab/lab-host.ts'
import { judgeLab, measurementsOf } from '../../lab/lab-judgement.ts'
import { databaseBytes, scaleOf } from '../../lab/lab-scale.ts'
import { untilStatus } from '../../lab/lab-status.ts'
import { startWorkload } from '../../lab/lab-workload.ts'
import type { ControlPlaneStatus } from '../../server/status-wire.ts'
import { gatherEvidence } from '../collect-evidence.ts'
import { currentLeader } from './current-leader.ts'
import type { Demonstration } from './demonstration.ts'
import { latestRun } from './latest-run.ts'

const rtoMs = 300_000
const rejoinTimeoutMs = 180_000
/** Long enough that acknowledged writes are at stake, short enough for somebody who watches. */
const faultMoment = { earliestMs: 4_000, latestMs: 9_000 }
const afterwardsMs = 3_000

/**
 * A zone is lost while clients write. Nobody helps: the control plane detects, decides under its standing approval, and fails over; the
 * lost member comes back as a standby. Then a checker that shares no code with the product says what clients lost.
 */
export async function loseZone(demonstration: Demonstration): Promise<EvidenceBundle> {
  const { terminal, connection, lab, seed, say } = demonstration
  const { stop } = terminal
  const startedMs = performance.now()
  const stopWorkload = await startWorkload(lab, seed)
  say('clients write: orders through the matching engine, rows into the ledger; a fault will come')
  const { host: lost, processes } = await loseZoneOfPrimary(lab, { seed, ...faultMoment }, stop)
  say(`zone ${lost} is lost: ${processes} processes killed, the primary among them`)
  const after = await untilStatus(lab.state, 'another member leads', hasMovedFrom(lost), rtoMs)
  const leader = currentLeader(after)
  say(`${leader} leads; the failover needed nobody`)
  await sleep(afterwardsMs, undefined, { signal: stop })
  say(`${lost} gets its power back`)
  await lab.restart(lost)
  await untilStatus(lab.state, `${lost} is a standby again`, isProtected, rejoinTimeoutMs)
  say(`${lost} is a standby again; clients stop`)
  await sleep(1_000, undefined, { signal: stop })
  await stopWorkload()
  const loadMs = performance.now() - startedMs
  const judgement = await judgeLab(lab, leader, rtoMs)
  say(`the checker says: ${judgement.verdict}`)
  const run = await latestRun(connection, 'zone-failover')
  const load = { fault: `kill-zone ${lost}`, seed, ledgerRows: judgement.figures.ledgerRows }
  const scale = scaleOf(judgement, { bytes: await databaseBytes(lab, leader), loadMs })
  return gatherEvidence(connection, { run, measurements: measurementsOf(lab, judgement), load, scale })
}

function hasMovedFrom(host: LabHostName): (status: ControlPlaneStatus) => boolean {
  return (status) => {
    const [cluster] = status.clusters
    const isServed = cluster?.openRun === '' && cluster.detection.state === 'up'
    return (
      isServed && status.facts.clusters.every(({ leader }) => leader !== '') && currentLeader(status) !== host
    )
  }
}
