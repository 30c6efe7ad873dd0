import type { MemberObservation } from '../ports/database-member.ts'
import type { SimPostgres } from './sim-postgres.ts'
import { endOf, lsnText } from './wal-record.ts'

/** What a session (or pg_controldata and the files, when there is no postmaster) would show of the member now. */
export function observePostgres(server: SimPostgres): MemberObservation {
  const { directory } = server
  const identity = {
    ...(directory.systemIdentifier === '' ? {} : { systemIdentifier: directory.systemIdentifier }),
    versionNumber: 150_018,
    timeline: directory.timeline,
    checkpointTimeline: directory.checkpointTimeline,
  }
  const upstream =
    directory.upstream === undefined ? '' : `${directory.upstream.address}:${directory.upstream.port}`
  if (server.mode === 'stopped') {
    const { shutdownLsn } = directory
    return {
      role: 'stopped',
      ...identity,
      upstream,
      ...(shutdownLsn === undefined ? {} : { shutdownLsn: lsnText(shutdownLsn) }),
    }
  }
  if (server.mode === 'starting' || server.mode === 'stopping') return { role: 'starting', ...identity }
  if (server.mode === 'standby') {
    const replayed = server.wal[server.replayedCount - 1]
    return {
      role: 'standby',
      ...identity,
      ...(server.receivedSinceStart ? { receivedLsn: lsnText(endOf(server.wal)) } : {}),
      ...(replayed === undefined ? {} : { replayedLsn: lsnText(replayed.lsn) }),
      // The model accepts sessions only when it has replayed all that it holds.
      endOfWal: true,
      upstream,
      receiving: server.receiver !== undefined,
      streaming: server.receiver !== undefined,
      syncNames: server.loadedSync.names,
      syncCount: server.loadedSync.count,
      bypasses: [],
    }
  }
  return { role: 'primary', ...identity, ...primaryFields(server) }
}

function primaryFields(server: SimPostgres): Partial<MemberObservation> {
  const { names, count } = server.loadedSync
  const end = endOf(server.wal)
  const senders = [...server.senders].map(({ standby: { name }, flushed }) => ({ name, flushed }))
  const standbys = [...senders, ...server.captures].map(({ name, flushed }) => ({
    name,
    state: 'streaming',
    syncState: names.includes(name) ? 'quorum' : 'async',
    flushLsn: lsnText(flushed),
    lagBytes: Math.max(end - flushed, 0),
  }))
  return {
    flushLsn: lsnText(end),
    syncNames: names,
    syncCount: count,
    standbys,
    bypasses: server.bypasses,
    ...(server.refusesWrites ? { refusesWrites: true } : {}),
  }
}
