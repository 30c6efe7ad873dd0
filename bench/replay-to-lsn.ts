// Restore and replay to an exact LSN, then a pause there: ours and pgBackRest with asynchronous get, the same backup point and WAL, in turn.
// node bench/replay-to-lsn.ts [--megabytes 570] [--rounds 1] [--peer pgbackrest|none]
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RecoveryBed } from '../test/support/recovery-bed.ts'
import { eventually, sql, systemPostgres } from '../test/support/postgres-estate.ts'
import { load, percentile, print } from './figures.ts'

const { values: given } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '570' },
    rounds: { type: 'string', default: '1' },
    peer: { type: 'string', default: 'pgbackrest' },
  },
})

/** Programs of the system, not of a package. */
const [peerProgram, client, asUser] = ['pgbackrest', 'psql', 'setpriv']
const bed = await RecoveryBed.open(systemPostgres)
const { config } = bed.node
const owner = config.runAs ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const { root } = bed.estate
const environment = { ...process.env, PGPASSWORD: config.password ?? '' }
const login = ['-h', '127.0.0.1', '-p', String(config.port), '-U', config.superuser]
interface Took {
  readonly restoreMs: number
  readonly replayMs: number
}

const found: Record<'ours' | 'peer', Took[]> = { ours: [], peer: [] }
try {
  const hasPeer = given.peer !== 'none' && spawnSync(peerProgram, ['version']).error === undefined
  if (!hasPeer) print('no peer: apt-get install -y --no-install-recommends pgbackrest')
  run(join(systemPostgres, 'pgbench'), ['-i', '-q', '-s', '10', ...login, config.database])
  await bed.backUp()
  if (hasPeer) await preparePeer()
  await write(Number(given.megabytes))
  await sql(bed.node, 'create table marker (n int)')
  await bed.caughtUp()
  const goal = await bed.goal({ kind: 'end' })
  print(`to ${goal.lsn}, load ${load()}`)
  for (let round = 1; round <= Number(given.rounds); round++) {
    found.ours.push(await ours(`run_bench${round}`, goal))
    if (hasPeer) found.peer.push(await peer(round, goal.lsn))
  }
  if (hasPeer) {
    print(
      `replay, ours / pgbackrest async: ${ratio(({ replayMs }) => replayMs)} (goal ≤ 0.60), load ${load()}`,
    )
    // Ours copies and compares all WAL before anything starts; the peer fetches it while it is replayed.
    print(`restore and replay together: ${ratio(({ restoreMs, replayMs }) => restoreMs + replayMs)}`)
  }
} finally {
  await bed.close()
}

function ratio(of: (took: Took) => number): string {
  const [our, their] = [percentile(found.ours.map(of), 0.5), percentile(found.peer.map(of), 0.5)]
  return (our / their).toFixed(2)
}

async function ours(name: string, goal: Awaited<ReturnType<RecoveryBed['goal']>>): Promise<Took> {
  const recovery = bed.recovery()
  const begun = performance.now()
  await recovery.restore(name, goal)
  const restored = performance.now()
  await recovery.replay(name, goal)
  const replayed = performance.now()
  await recovery.discard(name)
  return said('pointzero', { restoreMs: restored - begun, replayMs: replayed - restored })
}

/** An archive of its own on the same server, and a full backup at the same point. */
async function preparePeer(): Promise<void> {
  for (const name of ['repository', 'peer-log', 'spool']) {
    mkdirSync(join(root, name))
    await chown(join(root, name), owner.uid, owner.gid)
  }
  const lines = [
    ...['[global]', `repo1-path=${join(root, 'repository')}`, `log-path=${join(root, 'peer-log')}`],
    ...[`lock-path=${join(root, 'peer-log')}`, `spool-path=${join(root, 'spool')}`, 'process-max=2'],
    ...['start-fast=y', 'compress-type=zst', 'compress-level=1', 'archive-get-queue-max=1GiB'],
    ...['archive-async=y', 'log-level-console=warn', '[bench]', `pg1-path=${config.dataDirectory}`],
    ...[
      `pg1-port=${config.port}`,
      `pg1-socket-path=${config.socketDirectory}`,
      `pg1-user=${config.superuser}`,
    ],
  ]
  writeFileSync(join(root, 'pgbackrest.conf'), `${lines.join('\n')}\n`)
  pgbackrest('stanza-create', '--no-online')
  const push = `pgbackrest --config=${join(root, 'pgbackrest.conf')} --stanza=bench archive-push %p`
  await sql(bed.node, `alter system set archive_command = '${push}'`)
  await sql(bed.node, 'alter system set archive_mode = on')
  await bed.node.member.stopImmediate()
  await bed.node.member.startAsStandby()
  await bed.node.member.promote()
  pgbackrest('backup', '--type=full')
}

async function peer(round: number, lsn: string): Promise<Took> {
  await sql(bed.node, 'select pg_switch_wal()')
  await eventually(
    'pgBackRest has the WAL',
    async () => {
      const [row] = await sql(
        bed.node,
        "select count(*) as n from pg_ls_archive_statusdir() where name like '%.ready'",
      )
      return Number(row?.['n']) === 0 ? true : undefined
    },
    120_000,
  )
  const data = join(root, `peer-${round}`)
  mkdirSync(data, { mode: 0o700 })
  await chown(data, owner.uid, owner.gid)
  const begun = performance.now()
  pgbackrest('restore', `--pg1-path=${data}`, '--type=lsn', `--target=${lsn}`, '--target-action=pause')
  const restored = performance.now()
  const port = String(config.port + 1)
  const settings = ['-D', data, '-p', port, '-c', 'archive_mode=off', '-k', root, '-c', 'hot_standby=on']
  const server = spawn(join(systemPostgres, 'postgres'), settings, { ...owner, stdio: 'ignore' })
  const gone = once(server, 'exit')
  for (;;) {
    const asked = spawnSync(
      client,
      [
        '-h',
        root,
        '-p',
        port,
        '-U',
        config.superuser,
        '-XAtqc',
        'select pg_get_wal_replay_pause_state()',
        'postgres',
      ],
      { encoding: 'utf8', env: environment },
    )
    if (asked.stdout.trim() === 'paused') break
    if (server.exitCode !== null) throw new Error(`the restored server ended: ${asked.stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const replayed = performance.now()
  server.kill('SIGQUIT')
  await gone
  rmSync(data, { recursive: true })
  return said('pgbackrest', { restoreMs: restored - begun, replayMs: replayed - restored })
}

function said(who: string, took: Took): Took {
  const [restore, replay] = [took.restoreMs, took.replayMs].map((ms) => (ms / 1000).toFixed(1))
  print(`${who.padEnd(11)} restore ${restore} s, replay to the pause ${replay} s`)
  return took
}

async function write(megabytes: number): Promise<void> {
  const position = async (): Promise<number> =>
    Number((await sql(bed.node, "select pg_current_wal_lsn() - '0/0' as bytes"))[0]?.['bytes'])
  const begun = await position()
  while ((await position()) - begun < megabytes * 1e6) {
    run(join(systemPostgres, 'pgbench'), ['-n', '-c', '8', '-j', '2', '-T', '5', ...login, config.database])
    await sql(bed.node, 'checkpoint')
  }
}

function pgbackrest(...args: readonly string[]): void {
  const place = [`--config=${join(root, 'pgbackrest.conf')}`, '--stanza=bench']
  const user = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
  run(asUser, [...user, peerProgram, ...place, ...args])
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(program, args, {
    encoding: 'utf8',
    env: environment,
    cwd: root,
  })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`)
}
