import { assert } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

export type VaultId = `vlt_${string}`
/** UTC to the second and eight random characters, so that a listing is in order: `20261121T223005Z-k3v09xqa`. */
export type StampedId = string

export const descriptorName = 'vault.json'
export const epochsPrefix = 'e/'

const stampedId = /^\d{8}T\d{6}Z-[a-z0-9]{8}$/
const packId = /^[0-9a-f]{32}$/

export function newStampedId(clock: Clock, random: Random): StampedId {
  const instant = Temporal.Instant.fromEpochMilliseconds(clock.now())
  const stamp = instant.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '')
  return `${stamp}-${random.idBody(8)}`
}

export function isStampedId(text: string): boolean {
  return stampedId.test(text)
}

export function packName(epoch: StampedId, pack: string): string {
  assert(isStampedId(epoch) && packId.test(pack), 'a pack lies in an epoch')
  return `e/${epoch}/p/${pack}.pack`
}

export function packListName(epoch: StampedId, snapshot: StampedId): string {
  return `${snapshotFolder(epoch)}${checked(snapshot)}.packs`
}

export function manifestName(epoch: StampedId, snapshot: StampedId): string {
  return `${snapshotFolder(epoch)}${checked(snapshot)}.manifest`
}

export function keysPrefix(epoch: StampedId): string {
  return `e/${checked(epoch)}/k/`
}

export function keysName(epoch: StampedId, id: StampedId): string {
  return `${keysPrefix(epoch)}${checked(id)}.keys`
}

export function receiptsPrefix(epoch: StampedId): string {
  return `e/${checked(epoch)}/r/`
}

export function receiptName(epoch: StampedId, id: StampedId): string {
  return `${receiptsPrefix(epoch)}${checked(id)}.receipt`
}

/** Epoch and id of a document below an epoch; anything else in the store is none of ours. */
export function parseDocumentName(
  name: string,
  folder: 's' | 'k' | 'r',
  ending: 'manifest' | 'keys' | 'receipt',
): { readonly epoch: StampedId; readonly id: StampedId } | undefined {
  const [, epoch = '', found, id = '', end] = /^e\/([^/]+)\/([skr])\/([^/.]+)\.([a-z]+)$/.exec(name) ?? []
  if (found !== folder || end !== ending || !isStampedId(epoch) || !isStampedId(id)) return undefined
  return { epoch, id }
}

function snapshotFolder(epoch: StampedId): string {
  return `e/${checked(epoch)}/s/`
}

function checked(id: StampedId): StampedId {
  assert(isStampedId(id), 'an id of the form 20261121T223005Z-k3v09xqa')
  return id
}
