// What a full backup and a verified restore cost: ours and pgBackRest, the same database, in turn.
// node bench/vault-backup.ts [--megabytes 500] [--rounds 3] [--peer pgbackrest|none]
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values: given } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    peer: { type: 'string', default: 'pgbackrest' },
  },
})

const bin = '/usr/lib/postgresql/15/bin'
const repository = join(import.meta.dirname, '..')
const ticksPerSecond = 100
const root = mkdtempSync(join(tmpdir(), 'pointzero-bench-vault-'))
const owner = serverUser()
const data = join(root, 'data')
const port = 20_000 + (process.pid % 20_000)

interface Cost {
  readonly wallSeconds: number
  /** Of the whole process tree, without the database server. */
  readonly cpuSeconds: number
  readonly peakMegabytes: number
}

const server = startServer()
try {
  await fill(Number(given.megabytes))
  await main()
} finally {
  const gone = once(server, 'exit')
  server.kill('SIGINT')
  await gone
  rmSync(root, { recursive: true, force: true })
}

async function main(): Promise<void> {
  const peer = given.peer === 'none' ? undefined : findPeer()
  const contenders = [ours(), ...(peer === undefined ? [] : [peer])]
  print(
    `${directoryMegabytes(data)} MB, ${given.rounds} rounds, ${process.version}, load ${loadavg().join(' ')}`,
  )
  for (let round = 1; round <= Number(given.rounds); round++) {
    for (const { name, prepare, backup, restore } of contenders) {
      const place = join(root, `${name}-${round}`)
      mkdirSync(place)
      chownSync(place, owner.uid, owner.gid)
      prepare(place)
      report(round, `${name} backup`, await measure(backup(place)))
      // Removed at the end only: ext4 passes over inodes that were just freed, and what follows would pay for that.
      report(round, `${name} restore`, await measure(restore(place)))
    }
  }
  print(`load ${loadavg().join(' ')}`)
}

interface Contender {
  readonly name: string
  readonly prepare: (place: string) => void
  readonly backup: (place: string) => readonly string[]
  readonly restore: (place: string) => readonly string[]
}

function ours(): Contender {
  const pointzero = [process.execPath, join(repository, 'src/cli/main.ts'), 'vault']
  const at = (place: string) => ['--store', join(place, 'vault')]
  const source = ['--host', '127.0.0.1', '--port', String(port), '--component', 'bench']
  return {
    name: 'pointzero',
    prepare: (place) => {
      mkdirSync(join(place, 'vault'))
      run([...pointzero, 'init', ...at(place), '--out', join(place, 'keys')])
    },
    backup: (place) => [
      ...pointzero,
      'backup',
      ...at(place),
      '--writer',
      `file:${join(place, 'keys/writer.json')}`,
      ...source,
    ],
    restore: (place) => [
      ...[...pointzero, 'restore', 'latest', ...at(place), '--pin', join(place, 'keys/vault.pin.json')],
      ...['--key', `file:${join(place, 'keys/recovery.pem')}`, '--into', join(place, 'restored')],
    ],
  }
}

/** zstd level 1, an encrypted repository, two processes: what the bar is measured against. */
function findPeer(): Contender | undefined {
  const program = 'pgbackrest'
  if (spawnSync(program, ['version']).error !== undefined) {
    print('no peer to compare with: apt-get install -y --no-install-recommends pgbackrest, or --peer none')
    return undefined
  }
  const command = (place: string, ...args: readonly string[]) => [
    ...['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', program],
    ...[`--config=${join(place, 'pgbackrest.conf')}`, '--stanza=bench', ...args],
  ]
  return {
    name: 'pgbackrest',
    prepare: (place) => {
      const settings = [
        ...['[global]', `repo1-path=${join(place, 'repository')}`, `log-path=${place}`, `lock-path=${place}`],
        ...[
          'repo1-cipher-type=aes-256-cbc',
          'repo1-cipher-pass=bench',
          'compress-type=zst',
          'compress-level=1',
        ],
        ...['process-max=2', 'start-fast=y', 'archive-check=n', 'log-level-console=warn'],
        ...[
          '[bench]',
          `pg1-path=${data}`,
          `pg1-port=${port}`,
          `pg1-socket-path=${root}`,
          'pg1-user=postgres',
        ],
      ]
      writeFileSync(join(place, 'pgbackrest.conf'), `${settings.join('\n')}\n`)
      mkdirSync(join(place, 'restored'), { mode: 0o700 })
      chownSync(join(place, 'restored'), owner.uid, owner.gid)
      run(command(place, 'stanza-create', '--no-online'))
    },
    backup: (place) => command(place, 'backup', '--type=full'),
    restore: (place) => command(place, 'restore', `--pg1-path=${join(place, 'restored')}`),
  }
}

async function measure(argv: readonly string[]): Promise<Cost> {
  const [program = '', ...args] = argv
  const beforeChildren = childTicks()
  const startMs = performance.now()
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  let peakMegabytes = 0
  const seen = new Map<number, number>()
  const watch = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, treeMegabytes(child.pid ?? 0, seen))
  }, 50)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(watch)
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${errors.slice(-1000)}`)
  return {
    wallSeconds: (performance.now() - startMs) / 1000,
    // A child that its parent did not wait for is in the sum of the looks only; the last 50 ms are in that of the system only.
    cpuSeconds: Math.max(childTicks() - beforeChildren, sumOf(seen.values())) / ticksPerSecond,
    peakMegabytes,
  }
}

/** User and system time of every child that ended, with their own children. */
function childTicks(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? []
  return Number(fields[13]) + Number(fields[14])
}

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((total, one) => total + one, 0)
}

/** Resident memory of the tree now; `seen` gets the user and system time of every process in it, in ticks. */
function treeMegabytes(pid: number, seen: Map<number, number>): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
    seen.set(pid, Number(fields[11]) + Number(fields[12]))
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1])
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')
    const below = children.filter((one) => one !== '').map((one) => treeMegabytes(Number(one), seen))
    return below.reduce((total, megabytes) => total + megabytes, (pages * 4096) / 1e6)
  } catch {
    // It ended between two looks.
    return 0
  }
}

function startServer() {
  if (!existsSync(join(bin, 'postgres'))) {
    print('PostgreSQL 15 is missing: apt-get install -y --no-install-recommends postgresql-15')
    process.exit(1)
  }
  chmodSync(root, 0o755)
  chownSync(root, owner.uid, owner.gid)
  run([join(bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-k', '--no-sync'], owner)
  const settings = ["listen_addresses = '127.0.0.1'", `port = ${port}`, `unix_socket_directories = '${root}'`]
  appendFileSync(join(data, 'postgresql.conf'), `${settings.join('\n')}\nmax_wal_size = '4GB'\n`)
  return spawn(join(bin, 'postgres'), ['-D', data], { ...owner, stdio: 'ignore' })
}

/** Half compresses very well, as pages of numbers do; half about three times, as text does. */
async function fill(megabytes: number): Promise<void> {
  const psql = ['psql', '-h', root, '-p', String(port), '-U', 'postgres', '-XAtqc']
  for (
    let attempt = 0;
    attempt < 200 && spawnSync(psql[0] ?? '', [...psql.slice(1), 'select 1']).status !== 0;
  ) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    attempt += 1
  }
  const rows = megabytes * 1000
  run([
    ...psql,
    `create table numbers as select g, g % 7 as b, repeat(' ', 400) as filler from generate_series(1, ${rows}) g`,
  ])
  const text = 'md5(g::text) || md5((g * 7)::text) || repeat(\'{"kind":"order","state":"open"}\', 13)'
  run([...psql, `create table events as select g, ${text} as body from generate_series(1, ${rows}) g`])
  run([...psql, 'checkpoint'])
}

function run(argv: readonly string[], user: object = {}): void {
  const [program = '', ...args] = argv
  const { status, stderr, error } = spawnSync(program, args, { ...user, encoding: 'utf8', cwd: root })
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`)
}

function directoryMegabytes(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  const bytes = files.reduce((total, one) => total + statSync(join(one.parentPath, one.name)).size, 0)
  return Math.round(bytes / 1e6)
}

function report(round: number, what: string, { wallSeconds, cpuSeconds, peakMegabytes }: Cost): void {
  const figures = [
    `${wallSeconds.toFixed(1)} s wall`,
    `${cpuSeconds.toFixed(1)} s CPU`,
    `${peakMegabytes.toFixed(0)} MB`,
  ]
  print(`round ${round}  ${what.padEnd(20)}  ${figures.join('  ')}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** PostgreSQL refuses root. */
function serverUser(): { readonly uid: number; readonly gid: number } {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) return { uid, gid: process.getgid?.() ?? 0 }
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith('postgres:'))
  const [, , found = '65534', group = '65534'] = line?.split(':') ?? []
  return { uid: Number(found), gid: Number(group) }
}
