import { z } from 'zod'
import { createHash } from 'node:crypto'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Signer } from '../ports/signer.ts'
import { isStampedId } from './object-names.ts'
import type { StampedId, VaultId } from './object-names.ts'
import { decodeSigned, encodeSigned } from './signed-document.ts'
import type { Trust } from './signed-document.ts'
import { damaged, notGenuine } from './vault-damage.ts'
import { chunkBytes } from './vault-limits.ts'

const count = z.number().int().nonnegative()
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const stamped = z.string().refine(isStampedId)
const lsn = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/)
/** `[pack, ordinal]` for each chunk of a stream, in order. */
const stream = z.object({ bytes: count, chunks: z.array(z.tuple([count, count])) })

/** Members that are not named here are ignored, unless `critical` names them. */
const manifestSchema = z.object({
  vault: z.string().regex(/^vlt_[a-z0-9]{6,32}$/),
  epoch: stamped,
  snapshot: stamped,
  /** Members that a reader has to understand to restore correctly. None in version 1. */
  critical: z.array(z.string()),
  /** 1 for the first of a source, then one more each. */
  sequence: z.number().int().positive(),
  /** The manifest before it of the same source, in whichever epoch. */
  previous: z.object({ epoch: stamped, snapshot: stamped, sha256: digest }).nullable(),
  source: z.object({ estate: z.string().nullable(), component: z.string().min(1) }),
  kind: z.literal('postgres-base-backup'),
  startedAtMs: count,
  finishedAtMs: count,
  chunkBytes: z.literal(chunkBytes),
  postgres: z.object({
    systemIdentifier: z.string().regex(/^\d{1,20}$/),
    version: z.string(),
    timeline: z.number().int().positive(),
    startLsn: lsn,
    endLsn: lsn,
    walIncluded: z.boolean(),
    tablespaces: z.array(z.object({ oid: z.string(), location: z.string() })),
  }),
  packs: z.object({ count, bytes: count, sha256: digest }),
  streams: z.object({ files: stream, backupManifest: stream }),
  totals: z.object({
    files: count,
    bytes: count,
    /** Of packs that this snapshot added. */
    newStoredBytes: count,
  }),
  lock: z.object({
    mode: z.enum(['none', 'advisory', 'governance', 'compliance']),
    untilMs: count.nullable(),
  }),
  productVersion: z.string(),
})

export type ManifestMembers = z.infer<typeof manifestSchema>

export interface Manifest extends ManifestMembers {
  readonly signer: string
  /** SHA-256 of the whole file: what the next manifest names. */
  readonly digest: string
}

export function encodeManifest(members: ManifestMembers, signer: Signer): Uint8Array {
  return encodeSigned('vaultManifest', members, signer)
}

export interface ManifestPlace {
  readonly vault: VaultId
  readonly epoch: StampedId
  readonly snapshot: StampedId
}

/** A genuine manifest that lies where it says that it lies. */
export function decodeManifest(
  object: string,
  bytes: Uint8Array,
  place: ManifestPlace,
  trust: Trust,
): Manifest {
  const members = decodeSigned('vaultManifest', bytes, object, trust)
  const parsed = manifestSchema.safeParse(members)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw damaged(object, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`)
  }
  const manifest = parsed.data
  if (manifest.vault !== place.vault) throw notGenuine(object, `it belongs to vault ${manifest.vault}`)
  if (manifest.epoch !== place.epoch || manifest.snapshot !== place.snapshot) {
    throw notGenuine(object, `it is the manifest of ${manifest.epoch}/${manifest.snapshot}`)
  }
  if (manifest.critical.length > 0) throw tooNew(object, manifest.critical)
  return { ...manifest, signer: members.signer, digest: digestOf(bytes) }
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function tooNew(object: string, critical: readonly string[]): RecoveryError {
  return new RecoveryError({
    code: 'VAULT_MANIFEST_TOO_NEW',
    class: 'refused',
    message: `${object}: this release does not understand ${critical.join(', ')}`,
    hint: 'restore it with the release that wrote it, or a newer one: `pointzero --version`',
  })
}
