import { RecoveryError } from '../domain/recovery-error.ts'
import { decodeManifest } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { epochsPrefix, parseDocumentName } from './object-names.ts'
import type { VaultId } from './object-names.ts'
import { readReceipts } from './receipt.ts'
import type { Receipt } from './receipt.ts'
import { requireVault } from './vault-descriptor.ts'
import type { Vault } from './vault-descriptor.ts'

/** A manifest that can not be believed or read, or a place where the chain is broken. */
export interface CatalogueProblem {
  readonly object: string
  readonly code: string
  readonly message: string
}

export interface Catalogue {
  readonly vault: VaultId
  /** By source, then in the order of their sequence. */
  readonly snapshots: readonly Manifest[]
  /** What was read back and compared, oldest first. */
  readonly receipts: readonly Receipt[]
  readonly problems: readonly CatalogueProblem[]
}

/** Reads signed documents only: a snapshot is there when its manifest is, and a manifest is written last. */
export async function readCatalogue(vault: Vault): Promise<Catalogue> {
  await requireVault(vault)
  const snapshots: Manifest[] = []
  const problems: CatalogueProblem[] = []
  const objects = await vault.store.list(epochsPrefix)
  for (const { name } of objects) {
    const place = parseDocumentName(name, 's', 'manifest')
    if (place === undefined) continue
    try {
      const bytes = await vault.store.get(name)
      snapshots.push(
        decodeManifest(name, bytes, { vault: vault.id, epoch: place.epoch, snapshot: place.id }, vault.trust),
      )
    } catch (error) {
      problems.push(problemOf(name, error))
    }
  }
  const ordered = snapshots.toSorted(bySourceAndSequence)
  const { receipts, problems: receiptProblems } = await readReceipts(vault, objects)
  return {
    vault: vault.id,
    snapshots: ordered,
    receipts,
    problems: [...problems, ...chainProblems(ordered), ...receiptProblems],
  }
}

export function sourceKey({ source }: Pick<Manifest, 'source'>): string {
  return `${source.estate ?? ''}/${source.component}`
}

/**
 * Every manifest names the digest of the one before. The oldest one left may name one that retention has taken; a later one may not.
 * That the newest ones are missing can not be seen here: whoever knows a newer one says so (`requireAtLeast`).
 */
export function chainProblems(ordered: readonly Manifest[]): readonly CatalogueProblem[] {
  return ordered.flatMap((manifest, index) => {
    const before = ordered[index - 1]
    const { previous } = manifest
    if (before === undefined || sourceKey(before) !== sourceKey(manifest)) {
      if (previous === null && manifest.sequence > 1) {
        return [chainProblem(manifest, 'it names none before it, yet it is not the first')]
      }
      // Retention takes whole epochs.
      const isCut = previous?.epoch === manifest.epoch
      return isCut ? [chainProblem(manifest, `it follows ${previous?.snapshot ?? ''}, which is missing`)] : []
    }
    if (previous?.sha256 === before.digest && manifest.sequence === before.sequence + 1) return []
    const fork = ordered.find((one) => one !== manifest && one.previous?.sha256 === previous?.sha256)
    const what =
      manifest.sequence === before.sequence
        ? `it has the number of ${before.snapshot}: two writers of one source, or a forged one`
        : fork !== undefined
          ? `it follows the same manifest as ${fork.snapshot}`
          : `it follows ${previous?.snapshot ?? 'none'}, which is missing or another one`
    return [chainProblem(manifest, what)]
  })
}

/** Refuses a catalogue that lacks a manifest which the reader knows to exist: an older state was put in its place. */
export function requireAtLeast(catalogue: Catalogue, digest: string): void {
  if (catalogue.snapshots.some((one) => one.digest === digest)) return
  throw new RecoveryError({
    code: 'VAULT_ROLLED_BACK',
    class: 'refused',
    message: `the manifest ${digest} is not in the vault: newer snapshots are missing`,
    hint: 'find out who removed them; restore from another store, or go on without --at-least if retention took it',
  })
}

/** By id, or `latest`: the newest of the only source, or of `component`. */
export function findSnapshot(catalogue: Catalogue, wanted: string, component: string | undefined): Manifest {
  const candidates = catalogue.snapshots.filter(
    ({ source, snapshot }) =>
      (component === undefined || source.component === component) &&
      (wanted === 'latest' || snapshot === wanted),
  )
  const found = candidates.at(-1)
  if (found !== undefined && (wanted !== 'latest' || new Set(candidates.map(sourceKey)).size === 1))
    return found
  const names = [...new Set(catalogue.snapshots.map(({ source }) => source.component))]
  throw new RecoveryError({
    code: 'VAULT_SNAPSHOT_UNKNOWN',
    class: 'permanent',
    message:
      found === undefined
        ? `there is no snapshot ${wanted}${component === undefined ? '' : ` of ${component}`}`
        : `"latest" of which component: ${names.join(', ')}?`,
    hint: 'see what there is: `pointzero vault list`',
  })
}

function bySourceAndSequence(left: Manifest, right: Manifest): number {
  const [a, b] = [sourceKey(left), sourceKey(right)]
  if (a !== b) return a < b ? -1 : 1
  return left.sequence - right.sequence || (left.snapshot < right.snapshot ? -1 : 1)
}

function chainProblem({ epoch, snapshot }: Manifest, message: string): CatalogueProblem {
  return { object: `e/${epoch}/s/${snapshot}.manifest`, code: 'VAULT_CHAIN_BROKEN', message }
}

/** A store that does not answer just now says nothing about what is in it. */
export function problemOf(object: string, error: unknown): CatalogueProblem {
  if (error instanceof RecoveryError && error.class !== 'transient')
    return { object, code: error.code, message: error.message }
  throw error
}
