// Runs in a thread of its own and ends: what reads archives, decrypts and hashes would keep the agent from renewing and acknowledging, and it
// would fence its primary.
import { agentConfigFormat } from '../../domain/process-config.ts'
import type { AgentConfig } from '../../domain/process-config.ts'
import { assert } from '../../domain/recovery-error.ts'
import { componentNamed, memberNamed } from '../../estate/estate-lookup.ts'
import type { Estate } from '../../estate/estate.ts'
import { answerOnce } from '../../platform/worker-thread.ts'
import type {
  DatabaseRecovery,
  OwnedInvariant,
  RecoveryGoal,
  StageReport,
  WantedGoal,
} from '../../ports/database-recovery.ts'
import { openRecoveryAccess } from '../copies/recovery-access.ts'
import { readConfig } from '../read-config.ts'
import { connectedWorld, signatureVerifier } from '../real-world.ts'
import { openRecovery } from './open-recovery.ts'
import { ownMember } from './own-member.ts'

export interface RecoveryWork {
  /** Of the agent. */
  readonly configFile: string
  /** As the agent read it: to read and check it again takes a quarter of what a short stage takes. */
  readonly estate: Estate
  readonly component: string
  readonly member: string
  readonly effect: 'choose' | 'resolve' | 'export' | 'restore' | 'replay' | 'check' | 'finish'
  readonly run: string
  /** Of `choose`: what is to be chosen by. */
  readonly goal: RecoveryGoal | WantedGoal
  readonly invariants: readonly OwnedInvariant[]
}

await answerOnce(async (work: RecoveryWork) => await perform(await compose(work), work))
// Sockets and the server that was started stay open otherwise; this ends the thread only.
process.exit(0)

async function compose({ configFile, estate, component, member }: RecoveryWork): Promise<DatabaseRecovery> {
  const config = await readConfig<AgentConfig>(configFile, agentConfigFormat)
  const host = estate.hosts.find(({ id }) => id === config.hostId)
  const own = config.postgres.find((one) => one.component === component && one.member === member)
  assert(host !== undefined && own !== undefined, 'the agent found both before')
  const world = await connectedWorld(config.tls)
  const cluster = componentNamed(estate, component)
  assert(cluster.kind === 'postgres', 'a member is one of a cluster')
  const access = openRecoveryAccess({ world, estate, local: [], keys: config.recoveryKeys ?? [] })
  const driven = await ownMember(host, cluster, memberNamed(cluster, member), own)
  return openRecovery({ world, component, config: driven, access, verifier: signatureVerifier })
}

async function perform(recovery: DatabaseRecovery, work: RecoveryWork): Promise<StageReport> {
  const { effect, run, goal, invariants } = work
  if (!('reached' in goal)) return { ...(await recovery.choose(goal)) }
  assert(effect !== 'choose', 'there is nothing to choose by')
  if (effect === 'resolve') return await recovery.resolve(goal)
  if (effect === 'check') await recovery.check(run, goal, invariants)
  else await recovery[effect](run, goal)
  return {}
}
