import { SuspicionFinder } from '../../../src/capture/suspicious-transactions.ts'
import type { SuspiciousTransaction } from '../../../src/capture/suspicious-transactions.ts'
import { loadRelationNames } from '../../../src/capture/relation-names.ts'
import { lastEntry } from '../../../src/capture/clock-history.ts'
import { resolveInArchive } from '../../../src/capture/resolve-in-archive.ts'
import { positionOf } from '../../../src/capture/wal-position.ts'
import { readWal } from '../../../src/capture/wal-reader.ts'
import { parseLsn } from '../../../src/domain/lsn.ts'
import { FileObjectStore } from '../../../src/drivers/file/file-object-store.ts'
import { passwordFile } from '../../../src/lab/lab-credentials.ts'
import { labDatabase } from '../../../src/lab/lab-estate.ts'
import { productProgram, vaultPaths } from '../../../src/lab/lab-paths.ts'
import { labPorts } from '../../../src/lab/lab-ports.ts'
import { Ed25519Verifier } from '../../../src/platform/ed25519-signer.ts'
import { openSystemArchive } from '../../../src/platform/system-archive.ts'
import { readCopies } from '../../../src/recovery/read-copies.ts'
import type { ReadCopies } from '../../../src/recovery/read-copies.ts'
import { readJson } from '../../../src/cli/read-json.ts'
import { until } from './bench.ts'
import type { Bench } from './bench.ts'
import { ask, clusterOf, leaderOf } from './estate-view.ts'

/** What the vault host of the lab keeps, read past every agent. */
export async function keptCopies({ lab }: Bench): Promise<ReadCopies> {
  const { store, archive, pin } = vaultPaths(lab.state.directory)
  const known = (await readJson(pin)) as unknown as {
    readonly vault: `vlt_${string}`
    readonly writers: Readonly<Record<string, string>>
  }
  const source = { vault: new FileObjectStore(store), archive: openSystemArchive(archive) }
  return await readCopies(source, known, new Ed25519Verifier())
}

/** A snapshot of the primary of now, as the host of the vault takes one. */
export async function backUp(bench: Bench): Promise<void> {
  const { lab } = bench
  const { store, writer } = vaultPaths(lab.state.directory)
  const status = await bench.operator.status()
  const { component } = clusterOf(status)
  const address = lab.network.addressOf(leaderOf(status))
  const { code, stdout, stderr } = await bench.startProgram([
    ...[productProgram, 'vault', 'backup', '--store', store, '--writer', `file:${writer}`],
    ...['--host', address, '--port', String(labPorts.postgres), '--user', labDatabase.user],
    ...['--password', `file:${passwordFile(lab.state)}`, '--component', component],
    ...['--tls', 'verify-full', '--tls-authority', lab.authorityFile],
  ]).ended
  if (code !== 0) throw new Error(`backup: ${stdout}${stderr}`)
}

/** Until the archive and its clock have everything that was committed so far. */
export async function caughtUp(bench: Bench): Promise<ReadCopies> {
  const leader = leaderOf(await bench.operator.status())
  const [row] = await ask(bench, leader, 'select pg_current_wal_flush_lsn()::text as lsn')
  const flushed = positionOf(parseLsn(String(row?.['lsn'])))
  return await until('the archive has everything', async () => {
    const copies = await keptCopies(bench)
    const { timeline = 0 } = copies.catalogue.coverage.at(-1) ?? {}
    const own = [{ timeline, end: Number.POSITIVE_INFINITY }]
    const last = await lastEntry(copies.catalogue.clock, own, () => true)
    return (last?.end ?? 0) >= flushed ? copies : undefined
  })
}

/** As `pointzero corruption find`: transactions of the newest history that took much away. */
export async function suspicions(bench: Bench, since: string): Promise<readonly SuspiciousTransaction[]> {
  const copies = await caughtUp(bench)
  const finder = new SuspicionFinder(100, await loadRelationNames(copies.archive))
  const newest = copies.catalogue.coverage.at(-1)
  if (newest === undefined) throw new Error('nothing is captured')
  const { segmentBytes } = copies.identity
  const from = positionOf(parseLsn(since))
  const until = Number.POSITIVE_INFINITY
  const stretch = { timeline: newest.timeline, segmentBytes, from, isAnywhere: true, until }
  await readWal(copies.archive, stretch, (record) => finder.see(record))
  return finder.found
}

/** The parameters of a plan that goes to just before the transaction. */
export async function goalBefore(bench: Bench, xid: number): Promise<readonly string[]> {
  const { lsn, inclusive, timeline, backup, reached, undoneCommits } = await resolveInArchive(
    await keptCopies(bench),
    { kind: 'xid', xid },
  )
  const fields = {
    lsn,
    inclusive: inclusive ? 'yes' : 'no',
    timeline,
    snapshot: backup.id,
    reached,
    'commits-after': undoneCommits,
  }
  return Object.entries(fields).flatMap(([name, value]) => ['--param', `${name}=${value}`])
}
