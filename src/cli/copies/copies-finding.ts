import { archiveSoundness } from '../../capture/archive-soundness.ts'
import { archiveCoverage } from '../../capture/archive-coverage.ts'
import type { TimelineEnd } from '../../capture/archive-end.ts'
import { listSegments, readHistories, readIdentity } from '../../capture/archive-layout.ts'
import { loadLedger } from '../../capture/ledger-writer.ts'
import { listed, verifyArchive } from '../../capture/verify-archive.ts'
import type { NamedSegment } from '../../capture/wal-position.ts'
import { parseLsn } from '../../domain/lsn.ts'
import type { CopiesFinding, KeptSnapshot } from '../../ports/kept-copies.ts'
import type { ArchiveReader } from '../../ports/recovery-source.ts'
import { readCatalogue } from '../../vault/catalogue.ts'
import type { Catalogue } from '../../vault/catalogue.ts'
import type { Vault } from '../../vault/vault-descriptor.ts'

/** One component of one estate. */
export interface KeptOf {
  readonly estate: string
  readonly component: string
}

/** What is kept of it, as far as names, sizes and signed documents tell. Reads nobody's data. */
export async function copiesFinding(
  of: KeptOf,
  archive: ArchiveReader | undefined,
  vault: Vault | undefined,
): Promise<CopiesFinding> {
  const catalogue = vault === undefined ? undefined : await readCatalogue(vault)
  const snapshots = catalogue === undefined ? [] : snapshotsOf(catalogue, of)
  const problems = (catalogue?.problems ?? []).map(({ object, message }) => `${object}: ${message}`)
  const identity = archive === undefined ? undefined : await readIdentity(archive)
  const systemIdentifier = identity?.systemIdentifier ?? snapshots.at(-1)?.systemIdentifier ?? ''
  if (archive === undefined || identity === undefined)
    return { systemIdentifier, snapshots, problems, broken: [], brokenBefore: [] }
  const { segmentBytes } = identity
  const ledger = await loadLedger(archive)
  const defects = await verifyArchive(archive, segmentBytes, ledger.entries, false)
  const coverage = archiveCoverage({
    segmentBytes,
    entries: ledger.entries,
    histories: await readHistories(archive),
    ends: growingEnds(await listSegments(archive, segmentBytes)),
    damaged: new Set(listed(defects).map(({ file }) => file)),
  })
  const known = { coverage, defects, ledgerDefects: ledger.defects, backups: snapshots }
  return { systemIdentifier, snapshots, problems, ...archiveSoundness(known) }
}

/** Only that there is a growing segment, not how far it goes: reading its records again and again would be the load of this host. */
function growingEnds(segments: readonly NamedSegment[]): ReadonlyMap<number, TimelineEnd> {
  const growing = segments.filter(({ isPartial }) => isPartial)
  return new Map(
    growing.map(({ timeline, start }) => {
      return [timeline, { timeline, end: start + 1, receivedTo: start, reason: 'not read' }]
    }),
  )
}

export function snapshotsOf(
  { snapshots, receipts }: Catalogue,
  { estate, component }: KeptOf,
): readonly KeptSnapshot[] {
  const own = snapshots.filter(({ source }) => source.component === component && source.estate === estate)
  return own.map(({ snapshot, sequence, postgres, finishedAtMs, digest }) => ({
    id: snapshot,
    sequence,
    timeline: postgres.timeline,
    startLsn: parseLsn(postgres.startLsn),
    endLsn: parseLsn(postgres.endLsn),
    systemIdentifier: postgres.systemIdentifier,
    takenAtMs: finishedAtMs,
    verified: [
      ...new Set(receipts.filter((one) => one.manifest === digest).map(({ level }) => level)),
    ].toSorted(),
    restorations: receipts.flatMap(({ manifest, restored, finishedAtMs: atMs }) => {
      if (manifest !== digest || restored === undefined) return []
      const { run, timeline, lsn } = restored
      return [{ run, atMs, timeline, lsn }]
    }),
  }))
}
