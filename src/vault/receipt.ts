import { z } from 'zod'
import { parseLsn } from '../domain/lsn.ts'
import { RecoveryError } from '../domain/recovery-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectInfo } from '../ports/object-store.ts'
import type { Random } from '../ports/random.ts'
import type { Signer } from '../ports/signer.ts'
import { isStampedId, newStampedId, parseDocumentName, receiptName } from './object-names.ts'
import { decodeSigned, encodeSigned } from './signed-document.ts'
import { damaged, notGenuine } from './vault-damage.ts'
import type { Vault, WritableVault } from './vault-descriptor.ts'

const count = z.number().int().nonnegative()

/** What was restored by which run, replayed to where, and how much of it was looked at. Later versions may add figures. */
const restoredSchema = z.object({
  run: z.string().min(1),
  member: z.string().min(1),
  timeline: z.number().int().positive(),
  lsn: z.string().transform(parseLsn),
  files: count,
  bytes: count,
  walSegments: count,
  relations: count,
  pages: count,
  indexesCompared: count,
  invariants: count,
  unchecked: count,
  contained: z.boolean(),
})

/** `read`: every byte was decrypted and compared; `restored`: PostgreSQL replayed and checked a restored copy; more levels may follow. */
const receiptSchema = z.object({
  vault: z.string(),
  epoch: z.string().refine(isStampedId),
  id: z.string().refine(isStampedId),
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
  snapshot: z.string().refine(isStampedId),
  level: z.string().min(1),
  finishedAtMs: z.number().int().nonnegative(),
  /** Of level `restored`. */
  restored: restoredSchema.optional(),
})

export type ReceiptMembers = z.infer<typeof receiptSchema>

export interface Receipt extends ReceiptMembers {
  readonly signer: string
}

/** Says for good that a snapshot was found whole. A failed verification leaves no receipt. */
export async function writeReceipt(
  vault: WritableVault,
  verified: Pick<ReceiptMembers, 'epoch' | 'snapshot' | 'manifest' | 'level' | 'restored'>,
  effects: { readonly clock: Clock; readonly random: Random; readonly signer: Signer },
): Promise<string> {
  const id = newStampedId(effects.clock, effects.random)
  const members: ReceiptMembers = { ...verified, vault: vault.id, id, finishedAtMs: effects.clock.now() }
  const name = receiptName(verified.epoch, id)
  await vault.store.putNew(name, [encodeSigned('vaultReceipt', members, effects.signer)])
  return name
}

export async function readReceipts(vault: Vault, objects: readonly ObjectInfo[]) {
  const receipts: Receipt[] = []
  const problems: { readonly object: string; readonly code: string; readonly message: string }[] = []
  for (const { name } of objects) {
    const place = parseDocumentName(name, 'r', 'receipt')
    if (place === undefined) continue
    try {
      const members = decodeSigned('vaultReceipt', await vault.store.get(name), name, vault.trust)
      const parsed = receiptSchema.safeParse(members)
      if (!parsed.success) throw damaged(name, 'it is malformed')
      const receipt = parsed.data
      if (receipt.vault !== vault.id || receipt.epoch !== place.epoch || receipt.id !== place.id) {
        throw notGenuine(name, 'it belongs elsewhere')
      }
      receipts.push({ ...receipt, signer: members.signer })
    } catch (error) {
      if (!(error instanceof RecoveryError) || error.class === 'transient') throw error
      problems.push({ object: name, code: error.code, message: error.message })
    }
  }
  return { receipts, problems }
}
