// Runs in a thread of its own: reading ledgers, listings and manifests again and again delays no heartbeat.
import { FileObjectStore } from '../../drivers/file/file-object-store.ts'
import { openSystemArchive } from '../../platform/system-archive.ts'
import { SystemClock } from '../../platform/system-clock.ts'
import { workerSide } from '../../platform/worker-thread.ts'
import type { CopiesFinding } from '../../ports/kept-copies.ts'
import type { ObjectReader } from '../../ports/recovery-source.ts'
import type { Vault } from '../../vault/vault-descriptor.ts'
import { readPin, vaultOf } from '../vault-access.ts'
import { copiesFinding } from './copies-finding.ts'
import type { KeptOf } from './copies-finding.ts'

export interface FindingWork {
  readonly of: KeptOf
  readonly archiveDirectory?: string
  readonly vault?: { readonly storeDirectory: string; readonly pinFile: string }
}

const intervalMs = 1_000
const confirmMs = 300
/** Reading takes at most one part in so many of the thread's time. */
const idleFactor = 10

const { data, side } = workerSide<FindingWork, CopiesFinding>()
const clock = new SystemClock()
const archive = data.archiveDirectory === undefined ? undefined : openSystemArchive(data.archiveDirectory)
const vault = data.vault === undefined ? undefined : await openVault(data.vault)

let before: CopiesFinding | undefined
while (!side.stop.aborted) {
  const beganMs = clock.monotonicMs()
  const found = await copiesFinding(data.of, archive, vault)
  const tookMs = clock.monotonicMs() - beganMs
  // Beside a writer one reading may see half of a change: what is broken is believed when it is still so at once afterwards.
  const isSure = isConfirmed(found, before)
  if (isSure) side.send(found)
  before = found
  const pauseMs = isSure ? Math.max(intervalMs, tookMs * idleFactor) : confirmMs
  await clock.sleep(pauseMs, side.stop).catch(() => undefined)
}

function isConfirmed(found: CopiesFinding, last: CopiesFinding | undefined): boolean {
  const broken = [...found.broken, ...found.brokenBefore]
  const known = new Set([...(last?.broken ?? []), ...(last?.brokenBefore ?? [])])
  return broken.every((one) => known.has(one))
}

async function openVault(work: {
  readonly storeDirectory: string
  readonly pinFile: string
}): Promise<Vault> {
  return vaultOf(cachedDocuments(new FileObjectStore(work.storeDirectory)), await readPin(work.pinFile))
}

/** Objects never change: a manifest that was read once is not read again. Nothing but documents is asked for here. */
function cachedDocuments(store: ObjectReader): ObjectReader {
  const held = new Map<string, Uint8Array>()
  return {
    name: store.name,
    list: async (prefix) => store.list(prefix),
    head: async (name) => store.head(name),
    get: async (name, range) => {
      const bytes = held.get(name) ?? (await store.get(name, range))
      if (range === undefined) held.set(name, bytes)
      return bytes
    },
  }
}
