// Plays the scripts of test/support/history-scripts.ts on real PostgreSQL 15 servers and writes what they did to test/simulation/histories/.
// The simulation's model must do the same: test/simulation/postgres-history.sim.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { historyScripts } from '../test/support/history-scripts.ts'
import { PostgresEstate, requireSystemPostgres, systemPostgres } from '../test/support/postgres-estate.ts'
import type { Node } from '../test/support/postgres-estate.ts'
import { playHistory } from '../test/support/postgres-history.ts'
import type { HistoryCommand, PostgresHistory } from '../test/support/postgres-history.ts'
import { clock } from '../test/support/system-time.ts'

const folder = fileURLToPath(new URL('../test/simulation/histories/', import.meta.url))

async function record(name: string, commands: readonly HistoryCommand[]): Promise<void> {
  const estate = await PostgresEstate.open(systemPostgres)
  try {
    const nodes = new Map<string, Node>()
    for (const member of ['a', 'b', 'c']) nodes.set(member, await estate.node(member))
    const [primary, ...standbys] = nodes.values()
    if (primary === undefined) throw new Error('no primary')
    await estate.primary(primary)
    for (const standby of standbys) await estate.standby(standby, primary)
    const entries = await playHistory(nodes, commands, async (ms) => clock.sleep(ms))
    const history: PostgresHistory = {
      format: 'pointzero/postgres-history/1',
      recordedFrom: 'PostgreSQL 15',
      entries,
    }
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}${name}.json`, `${JSON.stringify(history, undefined, 2)}\n`)
    process.stdout.write(`${name}: ${entries.length} commands\n`)
  } finally {
    await estate.close()
  }
}

requireSystemPostgres()
for (const [name, commands] of Object.entries(historyScripts)) await record(name, commands)
