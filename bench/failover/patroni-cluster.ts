import { randomInt } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { freeSubnet } from '../../src/lab/free-subnet.ts'
import { removeLab } from '../../src/lab/lab-cleanup.ts'
import { labHosts, zoneHostNames } from '../../src/lab/lab-host.ts'
import type { ZoneHostName } from '../../src/lab/lab-host.ts'
import { labNetwork } from '../../src/lab/lab-network.ts'
import { evidenceDirectory } from '../../src/lab/lab-paths.ts'
import { findPostgres } from '../../src/lab/lab-postgres.ts'
import { startLabProcess } from '../../src/lab/lab-process.ts'
import { makeLabDirectory, writeLabState } from '../../src/lab/lab-state.ts'
import { detectNetwork } from '../../src/lab/network-capabilities.ts'
import { runCommand } from '../../src/lab/run-command.ts'
import { ledgerSchema } from '../../src/lab/workload/ledger-schema.ts'
import type { Contender, ContenderUp, LabPlace } from './contender.ts'
import { etcdArguments, patroniConfig, patroniPorts } from './patroni-config.ts'
import { openFollowingGate } from './patroni-gate.ts'

const settleMs = 180_000
/** Patroni's first view after a change may be an old one: it has to say the same for this long. */
const stableMs = 2_000
const account = 'postgres'

/** The command that installs what is missing; undefined when all of it is there. */
export async function missingPeer(): Promise<string | undefined> {
  const programs = await Promise.all(['patroni', 'etcd'].map((name) => runCommand([name, '--version'])))
  if (programs.every(({ code }) => code === 0)) return undefined
  return 'apt-get install patroni etcd-server etcd-client python3-etcd python3-psycopg2'
}

/** `Patroni 3.0.2`, for the table: its versions differ in what they lose. */
export async function peerVersion(): Promise<string> {
  const { stdout } = await runCommand(['patroni', '--version'])
  return stdout.trim().replace(/^patroni/, 'Patroni')
}

/** Three nodes with an etcd member each, in namespaces of their own. Whoever finds the directory of a crashed one ends it as a lab. */
export const patroniUp: ContenderUp = async (say) => {
  const instance = `b${randomInt(36 ** 3)
    .toString(36)
    .padStart(3, '0')}`
  const subnet = await freeSubnet()
  const capabilities = await detectNetwork(runCommand, true, `pz${instance}probe`)
  const state = writeLabState({
    instance,
    directory: makeLabDirectory(instance),
    network: 'namespaces',
    subnet,
    hosts: labHosts(subnet),
  })
  const place: LabPlace = { state, network: labNetwork(state, capabilities) }
  try {
    await place.network.up()
    mkdirSync(evidenceDirectory(state.directory))
    say(`${await peerVersion()} and etcd in ${subnet}.0/24, ${state.directory}`)
    return await bringUp(place)
  } catch (error) {
    await removeLab(state, { keepFiles: true })
    throw error
  }
}

async function bringUp(place: LabPlace): Promise<Contender> {
  const { binDirectory } = await findPostgres(place.state, 'system')
  for (const zone of zoneHostNames) {
    makeHome(place, zone)
    writeFileSync(join(place.state.directory, zone, 'patroni.yaml'), patroniConfig(place, zone, binDirectory))
    await startEtcd(place, zone)
  }
  await sleep(2_000)
  const [first, ...others] = zoneHostNames
  await startPatroni(place, first)
  await until('the first node leads', async () => (await rest(place, first, 'primary'))?.status === 200)
  for (const zone of others) await startPatroni(place, zone)
  const gate = await openFollowingGate(place)
  const contender: Contender = {
    name: 'patroni',
    place,
    database: {
      name: 'postgres',
      user: account,
      password: '',
      memberPort: patroniPorts.postgres,
      gate: gate.endpoint,
    },
    settled: async () => {
      const leader = await settled(place)
      await until('clients are led to it', async () => gate.target() === place.network.addressOf(leader))
      return leader
    },
    switchOver: async (from) => await switchOver(place, from),
    async revive(zone) {
      await startEtcd(place, zone)
      await sleep(500)
      await startPatroni(place, zone)
    },
    async down() {
      await gate.close()
      await removeLab(place.state, { keepFiles: false })
    },
  }
  await makeTables(place, await contender.settled())
  return contender
}

/** PostgreSQL refuses to be root, and so Patroni runs as its account too. */
function makeHome({ state }: LabPlace, zone: ZoneHostName): void {
  const home = join(state.directory, zone)
  mkdirSync(home)
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === account) ?? ['', '', '65534', '65534']
  chownSync(home, Number(uid), Number(gid))
}

async function startEtcd(place: LabPlace, zone: ZoneHostName): Promise<void> {
  const hasData = existsSync(join(place.state.directory, zone, 'etcd', 'member'))
  const argv = ['etcd', ...etcdArguments(place, zone, hasData ? 'existing' : 'new')]
  await start(place, zone, 'etcd', argv)
}

async function startPatroni(place: LabPlace, zone: ZoneHostName): Promise<void> {
  await start(place, zone, 'patroni', ['patroni', join(place.state.directory, zone, 'patroni.yaml')])
}

async function start(
  place: LabPlace,
  zone: ZoneHostName,
  name: string,
  argv: readonly string[],
): Promise<void> {
  const asAccount = ['setpriv', `--reuid=${account}`, `--regid=${account}`, '--init-groups', ...argv]
  await startLabProcess(place.state, {
    name: `${zone}-${name}`,
    host: zone,
    argv: place.network.argvOn(zone, asAccount),
    environment: { HOME: join(place.state.directory, zone) },
  })
}

async function switchOver(place: LabPlace, from: ZoneHostName): Promise<void> {
  const candidate = (await viewOf(place, from))?.find(({ role }) => role === 'sync_standby')?.name
  const answer = await rest(place, from, 'switchover', { leader: from, candidate: candidate ?? '' }, 60_000)
  if (answer?.status !== 200) throw new Error(`switchover: ${answer?.status} ${answer?.text}`)
}

async function settled(place: LabPlace): Promise<ZoneHostName> {
  let leader: ZoneHostName | undefined
  let sinceMs = performance.now()
  await until('one leader, one synchronous standby, one more', async () => {
    const now = await agreedLeader(place)
    if (now !== leader || now === undefined) sinceMs = performance.now()
    leader = now
    return performance.now() - sinceMs >= stableMs
  })
  if (leader === undefined) throw new Error('no leader')
  return leader
}

interface SeenMember {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly lag?: number | string
}

/** Whom all three nodes name, when everybody runs and hardly lags. */
async function agreedLeader(place: LabPlace): Promise<ZoneHostName | undefined> {
  const views = await Promise.all(zoneHostNames.map(async (zone) => viewOf(place, zone)))
  const leaders = new Set(views.map((view) => (view === undefined ? undefined : leaderIn(view))))
  const [leader] = leaders
  return leaders.size === 1 ? leader : undefined
}

function leaderIn(view: readonly SeenMember[]): ZoneHostName | undefined {
  const runs = ({ state }: SeenMember): boolean => state === 'running' || state === 'streaming'
  const leader = view.find(({ role }) => role === 'leader')
  const standbys = view.filter((member) => member !== leader && runs(member))
  const close = standbys.filter(({ lag = 0 }) => typeof lag === 'number' && lag < 65_536)
  const named = standbys.filter(({ role }) => role === 'sync_standby')
  if (leader === undefined || !runs(leader) || close.length !== 2 || named.length !== 1) return undefined
  return zoneHostNames.find((zone) => zone === leader.name)
}

async function viewOf(place: LabPlace, zone: ZoneHostName): Promise<readonly SeenMember[] | undefined> {
  const answer = await rest(place, zone, 'cluster')
  if (answer?.status !== 200) return undefined
  return (JSON.parse(answer.text) as { readonly members: readonly SeenMember[] }).members
}

async function rest(
  { network }: LabPlace,
  zone: ZoneHostName,
  path: string,
  body?: object,
  timeoutMs = 1_500,
): Promise<{ readonly status: number; readonly text: string } | undefined> {
  try {
    const response = await fetch(`http://${network.addressOf(zone)}:${patroniPorts.rest}/${path}`, {
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text() }
  } catch {
    return undefined // it does not answer
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + settleMs; performance.now() < deadline; await sleep(300)) {
    if (await holds()) return
  }
  throw new Error(`patroni: not within ${settleMs / 1_000} s: ${what}`)
}

async function makeTables({ network }: LabPlace, leader: ZoneHostName): Promise<void> {
  const host = network.addressOf(leader)
  const client = new Client({ host, port: patroniPorts.postgres, database: 'postgres', user: account })
  await client.connect()
  await client.query(ledgerSchema)
  await client.end()
}
