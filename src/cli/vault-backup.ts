import { readFile } from 'node:fs/promises'
import { clusterNamed, memberNamed } from '../estate/estate-lookup.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { SystemRandom } from '../platform/system-random.ts'
import type { TlsPolicy, TlsSettings } from '../protocol/postgres-startup.ts'
import { backUpPostgres } from '../vault/back-up-postgres.ts'
import type { Snapshot } from '../vault/store-snapshot.ts'
import type { BackupOptions } from './commands/vault.ts'
import { connectToSource, serversOf } from './backup-source.ts'
import type { BackupSource } from './backup-source.ts'
import { loadEstate } from './load-estate.ts'
import { bytesText, progressNotes } from './render/progress-notes.ts'
import { secretOf } from './secret-reference.ts'
import type { Terminal } from './terminal.ts'
import { usageError } from './usage-error.ts'
import { openStore, openWriter, vaultOf } from './vault-access.ts'

const weekMs = 7 * 86_400_000

export async function backUp(terminal: Terminal, options: BackupOptions): Promise<void> {
  const { writer, pin } = await openWriter(terminal, options.writer)
  const vault = vaultOf(await openStore(terminal, options), pin)
  const source = await sourceOf(terminal, options)
  const connection = await connectToSource(source, await tlsOf(options), terminal.stop)
  const { spread, newEpoch, systemIdentifier, maxRate } = options
  try {
    const snapshot = await backUpPostgres(
      vault,
      writer,
      connection,
      {
        source: { estate: source.estate, component: source.component },
        epochMaxAgeMs: newEpoch === true ? 0 : weekMs,
        checkpoint: spread === true ? 'spread' : 'fast',
        ...(maxRate === undefined ? {} : { maxRateKibPerSecond: wholeNumber('--max-rate', maxRate) }),
        ...(systemIdentifier === undefined ? {} : { expectedSystemIdentifier: systemIdentifier }),
        onProgress: progressOf(terminal, source.component),
      },
      { clock: new SystemClock(), random: new SystemRandom() },
    )
    terminal.write(options.json === true ? `${JSON.stringify(asJson(snapshot))}\n` : asText(snapshot))
  } finally {
    connection.close()
  }
}

async function sourceOf(terminal: Terminal, options: BackupOptions): Promise<BackupSource> {
  const { host, estate, component, member } = options
  if (host !== undefined) {
    if (component === undefined)
      throw usageError('--component is missing', 'say under which name the copy is kept')
    const password =
      options.password === undefined ? undefined : await secretOf(options.password, terminal.environment)
    const server = {
      address: host,
      port: wholeNumber('--port', options.port ?? ''),
      user: options.user ?? '',
    }
    const servers = [{ ...server, ...(password === undefined ? {} : { password }) }]
    return { estate: null, component, servers, primaryOnly: false }
  }
  const declared = await loadEstate(estate ?? 'estate.yaml')
  const cluster = clusterNamed(declared, component)
  const password =
    cluster.passwordRef === undefined ? undefined : await secretOf(cluster.passwordRef, terminal.environment)
  const members = member === undefined ? cluster.members : [memberNamed(cluster, member)]
  const login = { user: cluster.user, ...(password === undefined ? {} : { password }) }
  const servers = serversOf(declared, members, login)
  return { estate: declared.id, component: cluster.id, servers, primaryOnly: member === undefined }
}

async function tlsOf({ tls, tlsAuthority }: BackupOptions): Promise<TlsSettings> {
  const policies: readonly TlsPolicy[] = ['disable', 'prefer', 'require', 'verify-full']
  const policy = policies.find((one) => one === tls)
  if (policy === undefined)
    throw usageError(`there is no TLS policy ${tls}`, `name one of ${policies.join(', ')}`)
  return tlsAuthority === undefined
    ? { policy }
    : { policy, certificateAuthorities: await readFile(tlsAuthority, 'utf8') }
}

function progressOf(terminal: Terminal, component: string) {
  const note = progressNotes(terminal, `backup of ${component}`)
  return ({ doneBytes, estimatedBytes }: { readonly doneBytes: number; readonly estimatedBytes: number }) =>
    note(doneBytes, Math.max(doneBytes, estimatedBytes))
}

function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw usageError(`${option} ${JSON.stringify(text)} is not a whole number`, 'write digits only')
}

function asJson({ epoch, snapshot, manifest, members }: Snapshot) {
  const { source, sequence, startedAtMs, finishedAtMs, postgres, packs, totals } = members
  return {
    epoch,
    snapshot,
    manifest,
    sequence,
    source,
    startedAtMs,
    finishedAtMs,
    postgres,
    packs: packs.count,
    totals,
  }
}

function asText({ epoch, snapshot, manifest, members }: Snapshot): string {
  const { totals, postgres, startedAtMs, finishedAtMs } = members
  const seconds = ((finishedAtMs - startedAtMs) / 1000).toFixed(1)
  return (
    `${snapshot} in epoch ${epoch}: ${totals.files} files, ${bytesText(totals.bytes)}, ` +
    `${bytesText(totals.newStoredBytes)} stored, ${seconds} s\n` +
    `WAL ${postgres.startLsn} to ${postgres.endLsn} on timeline ${postgres.timeline}; manifest ${manifest}\n` +
    'It counts as recoverable once a restore of it was verified.\n'
  )
}
