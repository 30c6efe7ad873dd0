import assert from 'node:assert/strict'
import { compareLsn, lsnZero } from '../../src/domain/lsn.ts'
import { RecoveryError } from '../../src/domain/recovery-error.ts'
import { eventually, PostgresEstate, requireSystemPostgres, systemPostgres } from './postgres-estate.ts'
import type { Node } from './postgres-estate.ts'

export function refusedWith(wanted: string, wantedClass?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof RecoveryError, String(error))
    assert.equal(error.code, wanted, error.message)
    if (wantedClass !== undefined) assert.equal(error.class, wantedClass)
    return true
  }
}

/** Asked again after a transient failure, as an executor asks: on a busy machine an answer may take longer than a step waits for it. */
export async function refusesToFollow(standby: Node, upstream: Node): Promise<void> {
  const answer = await eventually(
    'it says whether it may follow',
    async () => {
      const said = await standby.member.follow(upstream.upstream).then(
        () => new Error(`${standby.config.name} follows ${upstream.config.name}`),
        (error: unknown) => error,
      )
      return said instanceof RecoveryError && said.class === 'transient' ? undefined : said
    },
    60_000,
  )
  refusedWith('PG_DIVERGED', 'permanent')(answer)
}

/** A primary and standbys in a new estate, with `ANY 1` over the standbys. */
export async function openCluster(names: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  requireSystemPostgres()
  const estate = await PostgresEstate.open(systemPostgres)
  try {
    const nodes: Node[] = []
    for (const name of names) nodes.push(await estate.node(name, { settings }))
    const [primary, ...standbys] = nodes as [Node, ...Node[]]
    const systemIdentifier = await estate.primary(primary)
    for (const standby of standbys) await estate.standby(standby, primary)
    if (standbys.length > 0) {
      await primary.member.setSynchronous(
        standbys.map(({ config }) => config.name),
        1,
      )
      await eventually('the primary counts its standbys', async () => {
        const { standbys: seen = [] } = await primary.member.observe()
        return seen.filter(({ syncState }) => syncState === 'quorum').length === standbys.length
          ? true
          : undefined
      })
    }
    return { estate, nodes, systemIdentifier }
  } catch (error) {
    const logs = await estate.readLogs()
    await estate.close()
    throw new Error(`the cluster did not come up:\n${logs}`, { cause: error })
  }
}

/** Resolves when the standby has received what the primary has flushed by now. */
export async function hasAllOf(primary: Node, standby: Node): Promise<void> {
  const { flushLsn = lsnZero } = await primary.member.observe()
  await eventually('it has received all of it', async () =>
    compareLsn((await standby.member.observe()).receivedLsn ?? lsnZero, flushLsn) >= 0 ? true : undefined,
  )
}
