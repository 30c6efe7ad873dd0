import { instantText } from '../domain/instant.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { SystemRandom } from '../platform/system-random.ts'
import { findSnapshot } from '../vault/catalogue.ts'
import type { Catalogue } from '../vault/catalogue.ts'
import type { Manifest } from '../vault/manifest.ts'
import { writeReceipt } from '../vault/receipt.ts'
import type { RecoveryKey } from '../vault/recipient.ts'
import type { Vault, WritableVault } from '../vault/vault-descriptor.ts'
import { scrubSnapshot, verifySnapshot } from '../vault/verify-snapshot.ts'
import type { Verified } from '../vault/verify-snapshot.ts'
import type { CommandContext } from './command-context.ts'
import type { VaultOptions, VerifyOptions } from './commands/vault.ts'
import { exitCodes } from './exit-code.ts'
import { paintFor } from './render/paint.ts'
import { bytesText, progressNotes } from './render/progress-notes.ts'
import { textTable } from './render/text-table.ts'
import type { Terminal } from './terminal.ts'
import { openCatalogue, openWriter, recoveryKeyOf } from './vault-access.ts'

export async function listSnapshots({ terminal, end }: CommandContext, options: VaultOptions): Promise<void> {
  const { catalogue } = await openCatalogue(terminal, options)
  if (catalogue.problems.length > 0) end(exitCodes.failed)
  if (options.json === true) {
    const snapshots = catalogue.snapshots.map((one) => ({
      ...summaryOf(one),
      verified: levelsOf(catalogue, one),
      restorations: restorationsOf(catalogue, one),
    }))
    terminal.write(`${JSON.stringify({ vault: catalogue.vault, snapshots, problems: catalogue.problems })}\n`)
    return
  }
  const rows = catalogue.snapshots.map((one) => [
    one.snapshot,
    one.source.component,
    instantText(one.finishedAtMs),
    bytesText(one.totals.bytes),
    `${one.postgres.timeline}:${one.postgres.endLsn}`,
    levelsOf(catalogue, one).join(' ') || 'never',
    restoredText(catalogue, one),
  ])
  const columns = ['SNAPSHOT', 'COMPONENT', 'FINISHED', 'SIZE', 'CONSISTENT AT', 'VERIFIED', 'RESTORED']
  terminal.write(textTable(columns, rows))
  for (const { object, message } of catalogue.problems) {
    terminal.write(`${paintFor(terminal)('red', 'PROBLEM')} ${object}: ${message}\n`)
  }
  const newest = catalogue.snapshots.toSorted((left, right) => left.finishedAtMs - right.finishedAtMs).at(-1)
  if (newest === undefined) return
  const ageMs = terminal.nowMs() - newest.finishedAtMs
  terminal.note(
    `The newest is ${(ageMs / 3_600_000).toFixed(1)} h old by this clock (manifest ${newest.digest}). Whether newer ones were ` +
      'removed can only be told by whoever knows of one: --at-least.\n',
  )
}

export async function verifySnapshots(
  context: CommandContext,
  wanted: string,
  options: VerifyOptions,
): Promise<void> {
  const { terminal, end } = context
  const { vault, catalogue } = await openCatalogue(terminal, options)
  const key = options.key === undefined ? undefined : await recoveryKeyOf(terminal, options.key)
  const { component } = options
  const chosen =
    wanted === 'all'
      ? catalogue.snapshots.filter(({ source }) => component === undefined || source.component === component)
      : [findSnapshot(catalogue, wanted, component)]
  const results: (Verified & { readonly receipt?: string })[] = []
  for (const manifest of chosen) {
    const verified = await verifyOne(terminal, vault, manifest, key)
    const receipt = await receiptOf(terminal, vault, manifest, verified, options)
    results.push({ ...verified, ...(receipt === undefined ? {} : { receipt }) })
    if (options.json !== true) terminal.write(verdictText(terminal, verified, key))
  }
  const problems = catalogue.problems
  const isWhole = problems.length === 0 && results.every(({ damage }) => damage.length === 0)
  if (!isWhole) end(exitCodes.failed)
  const level = key === undefined ? 'stored' : 'read'
  if (options.json === true) {
    terminal.write(
      `${JSON.stringify({ vault: vault.id, level, ok: isWhole, snapshots: results, problems })}\n`,
    )
    return
  }
  for (const { object, message } of problems) {
    terminal.write(`${paintFor(terminal)('red', 'PROBLEM')} ${object}: ${message}\n`)
  }
}

async function verifyOne(
  terminal: Terminal,
  vault: Vault,
  manifest: Manifest,
  key: RecoveryKey | undefined,
): Promise<Verified> {
  const note = progressNotes(terminal, `verify ${manifest.snapshot}`)
  return key === undefined ? scrubSnapshot(vault, manifest, note) : verifySnapshot(vault, manifest, key, note)
}

/** Only for what was read with a key and found whole. */
async function receiptOf(
  terminal: Terminal,
  vault: WritableVault,
  { epoch, snapshot, digest }: Manifest,
  { damage }: Verified,
  { writer, key }: VerifyOptions,
): Promise<string | undefined> {
  if (writer === undefined || key === undefined || damage.length > 0) return undefined
  const { signer } = (await openWriter(terminal, writer)).writer
  const effects = { clock: new SystemClock(), random: new SystemRandom(), signer }
  return writeReceipt(vault, { epoch, snapshot, manifest: digest, level: 'read' }, effects)
}

function verdictText(terminal: Terminal, verified: Verified, key: RecoveryKey | undefined): string {
  const paint = paintFor(terminal)
  const { snapshot, files, bytes, damage } = verified
  const what = key === undefined ? 'stored bytes compared, not opened' : `${files} files read and compared`
  if (damage.length === 0) return `${snapshot}: ${paint('green', 'WHOLE')}: ${what}, ${bytesText(bytes)}\n`
  const lines = damage.map((one) => `  ${one.what}: ${one.message}\n`)
  return `${snapshot}: ${paint('red', 'DAMAGED')} in ${damage.length} places\n${lines.join('')}`
}

function levelsOf({ receipts }: Catalogue, manifest: Manifest): readonly string[] {
  return [...new Set(receipts.filter((one) => one.manifest === manifest.digest).map(({ level }) => level))]
}

function restorationsOf({ receipts }: Catalogue, { digest }: Manifest) {
  return receipts.flatMap(({ manifest, restored, finishedAtMs }) =>
    manifest === digest && restored !== undefined ? [{ atMs: finishedAtMs, ...restored }] : [],
  )
}

function restoredText(catalogue: Catalogue, manifest: Manifest): string {
  const last = restorationsOf(catalogue, manifest).at(-1)
  if (last === undefined) return 'never'
  return `${instantText(last.atMs)} to ${last.timeline}:${last.lsn}`
}

function summaryOf(manifest: Manifest) {
  const { epoch, snapshot, digest, sequence, source, startedAtMs, finishedAtMs, postgres, totals, signer } =
    manifest
  return {
    epoch,
    snapshot,
    manifest: digest,
    sequence,
    source,
    startedAtMs,
    finishedAtMs,
    postgres,
    totals,
    signer,
  }
}
