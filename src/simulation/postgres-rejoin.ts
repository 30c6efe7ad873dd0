import type { Upstream } from '../ports/database-member.ts'
import { permanent, transient } from './postgres-problem.ts'
import type { MemberDriverSetting } from './sim-database-member.ts'
import type { PostgresDirectory } from './postgres-directory.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'
import { endOf } from './wal-record.ts'

interface RejoinJob {
  readonly process: SimProcess
  readonly server: SimPostgres
  readonly upstream: Upstream
  readonly done: (value: { readonly method: 'unchanged' | 'rewind' | 'clone' }) => void
  readonly fail: (error: Error) => void
}

/** pg_rewind where it can help, else a fresh copy. Dies with the agent that runs it, and leaves a damaged directory then. */
export function rejoinDirectory(setting: MemberDriverSetting, job: RejoinJob): void {
  const { loop, links, random, servers } = setting
  const { process, server, upstream, done, fail } = job
  const { directory } = server
  const source = servers.find(({ host, port }) => host.address === upstream.address && port === upstream.port)
  const reachable = (): boolean =>
    source?.process !== undefined && !source.process.isPaused && links.connects(server.host, source.host)
  if (server.isRunning) {
    fail(permanent('PG_RUNNING', `${server.name} must be stopped before it rejoins`))
    return
  }
  if (source === undefined || !reachable()) {
    fail(transient(`${upstream.address}:${upstream.port} does not answer`))
    return
  }
  const method = chooseMethod(directory, source.directory)
  const endpoint = { address: upstream.address, port: upstream.port }
  if (method === 'unchanged') {
    directory.upstream = endpoint
    done({ method })
    return
  }
  directory.isDamaged = true
  const tookUs = method === 'rewind' ? random.between(200_000, 1_500_000) : random.between(800_000, 4_000_000)
  loop.after(tookUs, () => {
    process.deliver(() => {
      if (!reachable() || server.isRunning) {
        fail(transient(`${upstream.address}:${upstream.port} went away during the ${method}`))
        return
      }
      directory.copyFrom(source.directory)
      directory.isDamaged = false
      directory.upstream = endpoint
      done({ method })
    })
  })
}

/** As pg_rewind of 15 and older decides: by timeline numbers in pg_control and by history, never by content. */
function chooseMethod(target: PostgresDirectory, source: PostgresDirectory): 'unchanged' | 'rewind' | 'clone' {
  if (target.isDamaged || target.systemIdentifier !== source.systemIdentifier) return 'clone'
  if (target.checkpointTimeline === source.checkpointTimeline) return 'unchanged'
  const divergence = source.endOfTimeline(target.timeline)
  return divergence !== undefined && endOf(target.wal) <= divergence ? 'unchanged' : 'rewind'
}
