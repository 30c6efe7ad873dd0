import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EventLoop } from '../../src/simulation/event-loop.ts'
import { SimDatabaseMember } from '../../src/simulation/sim-database-member.ts'
import { SimHost } from '../../src/simulation/sim-host.ts'
import { SimLinks } from '../../src/simulation/sim-links.ts'
import { SimPostgres } from '../../src/simulation/sim-postgres.ts'
import { SimProcess } from '../../src/simulation/sim-process.ts'
import { SimRandom } from '../../src/simulation/sim-random.ts'
import { playHistory } from '../support/postgres-history.ts'
import type { HistoryEntry, HistoryMember, PostgresHistory } from '../support/postgres-history.ts'

const folder = fileURLToPath(new URL('histories/', import.meta.url))
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .toSorted()
  .map((name) => folder + name)

/** The same commands on the model, in the same three places. */
async function replay(seed: number, history: PostgresHistory): Promise<readonly HistoryEntry[]> {
  const random = new SimRandom(seed)
  const loop = new EventLoop(random)
  const links = new SimLinks(loop, random)
  const servers: SimPostgres[] = []
  const witness = { acknowledged: () => {}, promoted: () => {}, derailed: () => {} }
  let counter = 0
  const nextCanary = (): number => (counter += 1)
  const members = new Map<string, HistoryMember>()
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    const host = new SimHost(loop, random, { name, zone: name, address: `10.0.0.${index + 1}` })
    links.add(host)
    const server = new SimPostgres({ loop, links, random, servers, witness }, { name, host, port: 5432 })
    servers.push(server)
    const process = new SimProcess(loop, host, `agent ${name}`)
    const member = new SimDatabaseMember({ loop, links, random, servers, nextCanary }, process, server)
    members.set(name, { member, upstream: { name, address: host.address, port: 5432 } })
  }
  const wait = async (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    loop.after(ms * 1000, () => {
      loop.awaken()
      resolve()
    })
    await promise
  }
  let entries: readonly HistoryEntry[] | undefined
  const main = async (): Promise<void> => {
    await prepare(members, servers)
    const commands = history.entries.map(({ command }) => command)
    entries = await playHistory(members, commands, wait)
  }
  let failure: Error | undefined
  main().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error))
  })
  await loop.run(() => entries !== undefined || failure !== undefined, 600_000_000)
  if (failure !== undefined) throw failure
  return entries ?? []
}

/** As the recorder: `a` is initialised, started and promoted; the others are copies that stream from it. */
async function prepare(
  members: ReadonlyMap<string, HistoryMember>,
  [first]: readonly SimPostgres[],
): Promise<void> {
  const [primary, ...standbys] = members.values()
  assert.ok(primary !== undefined && first !== undefined)
  first.directory.systemIdentifier = '7000000000000000001'
  await primary.member.startAsStandby()
  await primary.member.promote()
  for (const { member } of standbys) {
    await member.rejoin(primary.upstream)
    await member.startAsStandby()
    await member.follow(primary.upstream)
  }
}

test('there are recorded histories', () => {
  assert.ok(files.length >= 3, 'record them: node tools/record-history.ts')
})

for (const file of files) {
  test(`the model does what PostgreSQL 15 did: ${basename(file, '.json')}`, async () => {
    const history = JSON.parse(readFileSync(file, 'utf8')) as PostgresHistory
    assert.equal(history.format, 'pointzero/postgres-history/1')
    for (let seed = 1; seed <= 20; seed += 1) {
      const replayed = await replay(seed, history)
      for (const [index, { command, outcome }] of history.entries.entries()) {
        const what = `seed ${seed}, command ${index}: ${JSON.stringify(command)}`
        assert.deepEqual(normal(replayed[index]?.outcome), normal(outcome), what)
      }
    }
  })
}

/** A rewind that is impossible becomes a copy; the model draws between the two, the real server decides by what WAL is left. */
function normal(outcome: HistoryEntry['outcome'] | undefined): unknown {
  const text = JSON.stringify(outcome)
  return JSON.parse(text.replace('"rewind"', '"rewind or clone"').replace('"clone"', '"rewind or clone"'))
}
