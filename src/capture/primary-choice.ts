import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { PostgresConnection } from '../protocol/postgres-connection.ts'
import { identifySystem, showSetting } from '../protocol/postgres-replication.ts'
import type { SystemIdentity } from '../protocol/postgres-replication.ts'
import type { ReceiverSource } from './wal-receiver.ts'

/** For connecting and two small questions. */
const answerMs = 8_000

export interface ChosenPrimary {
  readonly source: string
  readonly connection: PostgresConnection
  readonly identity: SystemIdentity
}

/**
 * Asks all sources and takes the primary with the highest timeline. One whose timeline is below `newestHeld` was replaced: a receiver
 * that acknowledged its commits would help an old primary to go on after a failover.
 */
export async function choosePrimary(
  sources: readonly ReceiverSource[],
  newestHeld: number,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<ChosenPrimary> {
  const asked = await Promise.allSettled(sources.map(async (source) => inTime(source, clock, signal)))
  const primaries = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  const [best, ...others] = primaries.toSorted((a, b) => b.identity.timeline - a.identity.timeline)
  for (const other of others) other.connection.close()
  if (best === undefined) throw firstFailure(asked)
  if (best.identity.timeline >= newestHeld) return best
  best.connection.close()
  throw new RecoveryError({
    code: 'CAPTURE_STALE_PRIMARY',
    class: 'refused',
    message: `${best.source} is a primary on timeline ${best.identity.timeline}; the archive has already followed timeline ${newestHeld}`,
    hint: 'an old primary is running: stop it (`pointzero status` says who leads)',
  })
}

/** A machine that froze accepts connections and says nothing: it must not keep us from the one that took over. */
async function inTime(
  source: ReceiverSource,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<ChosenPrimary> {
  const over = new AbortController()
  const givenUp = new AbortController()
  const asked = asPrimary(source, AbortSignal.any([signal, givenUp.signal]))
  const late = clock.sleep(answerMs, over.signal).then(() => {
    throw silentSource(source.name)
  })
  try {
    return await Promise.race([asked, late])
  } catch (error) {
    asked.catch(() => undefined)
    // An open socket would keep the receiver's thread alive for ever.
    givenUp.abort(new Error('given up'))
    throw error
  } finally {
    late.catch(() => undefined)
    over.abort(new Error('answered'))
  }
}

async function asPrimary(source: ReceiverSource, signal: AbortSignal): Promise<ChosenPrimary> {
  const connection = await source.connect(signal)
  try {
    if ((await showSetting(connection, 'in_hot_standby')) === 'on') throw notPrimary(source.name)
    return { source: source.name, connection, identity: await identifySystem(connection) }
  } catch (error) {
    connection.close()
    throw error
  }
}

/** What kept us from a server says more than that another one is a standby. */
function firstFailure(asked: readonly PromiseSettledResult<unknown>[]): unknown {
  const reasons = asked.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
  const isStandby = (reason: unknown): boolean =>
    reason instanceof RecoveryError && reason.code === 'CAPTURE_NOT_PRIMARY'
  return reasons.find((reason) => !isStandby(reason)) ?? reasons[0]
}

function silentSource(name: string): RecoveryError {
  return new RecoveryError({
    code: 'CAPTURE_SILENT',
    class: 'transient',
    message: `${name} accepts connections and did not answer within ${answerMs / 1000} s`,
    hint: 'see whether it is frozen: `pg_isready -h <host> -p <port>`',
  })
}

function notPrimary(name: string): RecoveryError {
  return new RecoveryError({
    code: 'CAPTURE_NOT_PRIMARY',
    class: 'transient',
    message: `${name} is a standby`,
    hint: 'the receiver goes on by itself once a primary is reached: `pointzero status` says who leads',
  })
}
