// What it costs that every commit waits for a second place: our receiver and pg_receivewal --synchronous, the same server, in turn.
// node bench/wal-receiver.ts [--rounds 3] [--seconds 10] [--clients 8]
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CaptureClient } from '../test/support/capture-client.ts'
import { eventually, PlainPostgres } from '../test/support/plain-postgres.ts'
import type { PlainServer } from '../test/support/plain-postgres.ts'
import { load, percentile, print } from './figures.ts'

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    clients: { type: 'string', default: '8' },
  },
})
/** A busy disk may take long over a first sync. */
const waitMs = 120_000
const bin = '/usr/lib/postgresql/15/bin'
if (spawnSync(join(bin, 'pg_receivewal'), ['--version']).error !== undefined) {
  print('pg_receivewal or pgbench is missing: apt-get install -y --no-install-recommends postgresql-15')
  process.exit(1)
}

interface Receiver {
  readonly peakMegabytes: () => number
  stop(): Promise<void>
}

const postgres = await PlainPostgres.open()
try {
  const server = await postgres.initialise(bin, 'primary', [
    "shared_buffers = '256MB'",
    "max_wal_size = '4GB'",
  ])
  await server.start()
  run('-i', '-q', '-s', '20')
  const waysTo: Readonly<Record<string, (round: number) => Promise<Receiver>>> = {
    none: async () => ({ peakMegabytes: () => 0, stop: async () => undefined }),
    pointzero: async (round) => ours(server, round),
    pg_receivewal: async (round) => peer(server, round),
  }
  const found = new Map<string, number[]>(Object.keys(waysTo).map((name) => [name, []]))
  print(`${given.clients} clients, ${given.seconds} s a turn, load ${load()}`)
  for (let round = 1; round <= Number(given.rounds); round++) {
    for (const [name, begin] of Object.entries(waysTo)) {
      const receiver = await begin(round)
      if (name !== 'none') await isSynchronous(server)
      const text = run('-n', '-c', given.clients, '-j', '2', '-T', given.seconds)
      const tps = Number(/^tps = ([\d.]+)/m.exec(text)?.[1])
      found.get(name)?.push(tps)
      const memory = receiver.peakMegabytes()
      await server.sql("alter system set synchronous_standby_names = ''")
      await server.sql('select pg_reload_conf()')
      await receiver.stop()
      const peak = memory === 0 ? '' : `, peak ${memory.toFixed(0)} MB`
      print(`round ${round}  ${name.padEnd(14)} ${tps.toFixed(0)} tps${peak}`)
    }
  }
  const median = (name: string): number => percentile(found.get(name) ?? [], 0.5)
  print(
    `median tps: ${[...found.keys()].map((name) => `${name} ${median(name).toFixed(0)}`).join(', ')}; ` +
      `ours / pg_receivewal ${(median('pointzero') / median('pg_receivewal')).toFixed(2)} (goal ≥ 1.00), load ${load()}`,
  )

  function run(...args: readonly string[]): string {
    const where = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', 'postgres']
    const { status, stdout, stderr } = spawnSync(join(bin, 'pgbench'), [...args, ...where], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    return stdout
  }
} finally {
  await postgres.close()
}

async function ours(server: PlainServer, round: number): Promise<Receiver> {
  const name = `ours${round}`
  const client = new CaptureClient(postgres.root, name, {
    sources: [{ address: '127.0.0.1', port: server.port }],
  })
  client.start()
  await eventually(
    'it streams',
    async () => client.state?.protection.kind === 'streaming' || undefined,
    waitMs,
  )
  await beSynchronous(server, name)
  return {
    peakMegabytes: () => peakOf(client.pid),
    async stop() {
      await client.stop()
      await server.sql(`select pg_drop_replication_slot('${name}')`)
      rmSync(client.archive, { recursive: true })
    },
  }
}

async function peer(server: PlainServer, round: number): Promise<Receiver> {
  const name = `peer${round}`
  const directory = join(postgres.root, name)
  mkdirSync(directory)
  await server.sql(`select pg_create_physical_replication_slot('${name}', true)`)
  const conninfo = `host=127.0.0.1 port=${server.port} user=postgres application_name=${name}`
  const args = ['-D', directory, '-S', name, '--synchronous', '-d', conninfo]
  const child = spawn(join(bin, 'pg_receivewal'), args, { stdio: 'ignore' })
  await beSynchronous(server, name)
  return {
    peakMegabytes: () => peakOf(child.pid ?? 0),
    async stop() {
      const gone = once(child, 'exit')
      child.kill('SIGINT')
      await gone
      await sleep(200)
      await server.sql(`select pg_drop_replication_slot('${name}')`)
      rmSync(directory, { recursive: true })
    },
  }
}

async function beSynchronous(server: PlainServer, name: string): Promise<void> {
  await server.sql(`alter system set synchronous_standby_names = '${name}'`)
  await server.sql('select pg_reload_conf()')
}

async function isSynchronous(server: PlainServer): Promise<void> {
  await eventually(
    'it is synchronous',
    async () => {
      const states = await server.sql('select sync_state from pg_stat_replication')
      return states.some(([state]) => state === 'sync') ? true : undefined
    },
    waitMs,
  )
}

/** Of the process, since it began. */
function peakOf(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kilobytes) / 1000
}
