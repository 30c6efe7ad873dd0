import type { LeaderRecord } from '../domain/leader-record.ts'
import type { ControlStore } from '../ports/control-store.ts'
import type { Log } from '../ports/log.ts'

/**
 * The same store; every leader record that it takes goes into the control plane's own log, whoever wrote it: who may lead is then told by a
 * program that has no part in the run.
 */
export function leaderLogged(store: ControlStore, log: Log, root: string): ControlStore {
  const leaders = `${root}leaders/`
  return {
    get: async (key) => store.get(key),
    list: async (prefix) => store.list(prefix),
    changes: async (prefix, afterRevision, timeoutMs) => store.changes(prefix, afterRevision, timeoutMs),
    async transact(transaction) {
      const result = await store.transact(transaction)
      if (!result.succeeded) return result
      for (const { key, value } of transaction.put) {
        if (!key.startsWith(leaders)) continue
        const { member, epoch, publishedSync } = JSON.parse(value) as LeaderRecord
        const component = key.slice(leaders.length)
        log.info('leader-written', { component, member, epoch, publishedSync: publishedSync.join(',') })
      }
      return result
    },
  }
}
