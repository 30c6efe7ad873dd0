import type { Upstream } from '../ports/database-member.ts'
import { permanent, transient } from './postgres-problem.ts'
import type { MemberDriverSetting } from './sim-database-member.ts'
import type { PostgresDirectory } from './postgres-directory.ts'
import type { SimPostgres } from './sim-postgres.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'
import { replayableUpTo } from './wal-record.ts'

type RejoinMethod = 'unchanged' | 'rewind' | 'clone'

interface RejoinJob {
  readonly process: SimProcess
  readonly server: SimPostgres
  readonly upstream: Upstream
  readonly done: (value: { readonly method: RejoinMethod }) => void
  readonly fail: (error: Error) => void
}

/**
 * As the real driver: the directory's own WAL is replayed first without an upstream, then compared by timeline, position and content. What diverged
 * is rewound or copied anew. Dies with the agent that runs it, and a rewind leaves a directory behind then that only a copy repairs.
 */
export function rejoinDirectory(setting: MemberDriverSetting, job: RejoinJob): void {
  const { loop, links, random, servers } = setting
  const { process, server, upstream, done, fail } = job
  const { directory } = server
  const source = servers.find(({ host, port }) => host.address === upstream.address && port === upstream.port)
  const answers = (): boolean =>
    source?.mode === 'primary' &&
    source.process?.isPaused === false &&
    links.connects(server.host, source.host)
  if (server.isRunning) {
    fail(permanent('PG_RUNNING', `${server.name} runs; only a stopped member can rejoin`))
    return
  }
  if (source === undefined || !answers()) {
    fail(transient(`${upstream.name} does not answer as a primary`))
    return
  }
  if (directory.systemIdentifier !== '' && directory.systemIdentifier !== source.directory.systemIdentifier) {
    fail(permanent('PG_IDENTITY', `${server.name} is another cluster`))
    return
  }
  const isUsable = directory.systemIdentifier !== '' && !directory.isDamaged
  if (isUsable) directory.truncate(replayableUpTo(directory.wal, 0))
  const method = isUsable ? chooseMethod(random, directory, source.directory) : 'clone'
  directory.upstream = undefined
  if (method === 'rewind') directory.isDamaged = true
  const settleUs = isUsable ? random.between(100_000, 400_000) : 0
  loop.after(settleUs + tookUs(random, method), () => {
    process.deliver(() => {
      if (server.isRunning) fail(permanent('PG_RUNNING', `${server.name} was started meanwhile`))
      else if (method === 'unchanged') done({ method })
      else if (!answers()) fail(transient(`${upstream.name} went away during the ${method}`))
      else {
        directory.copyFrom(source.directory)
        directory.isDamaged = false
        done({ method })
      }
    })
  })
}

/** By timeline and position, then by content: what the numbers can not tell apart, pg_rewind can not either. */
function chooseMethod(random: SimRandom, own: PostgresDirectory, source: PostgresDirectory): RejoinMethod {
  if (!source.covers(own)) return random.pick(['rewind', 'rewind', 'clone'])
  const newest = own.wal.length - 1
  return own.wal[newest] === source.wal[newest] ? 'unchanged' : 'clone'
}

function tookUs(random: SimRandom, method: RejoinMethod): number {
  if (method === 'unchanged') return 1000
  return method === 'rewind' ? random.between(200_000, 1_200_000) : random.between(500_000, 2_500_000)
}
