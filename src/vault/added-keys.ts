import { z } from 'zod'
import type { Json } from '../domain/canonical-json.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Signer } from '../ports/signer.ts'
import {
  isStampedId,
  keysName,
  keysPrefix,
  newStampedId,
  packName,
  parseDocumentName,
} from './object-names.ts'
import type { StampedId } from './object-names.ts'
import { notForThisKey, readPackIndex } from './pack-reader.ts'
import type { AddedKeys } from './pack-reader.ts'
import type { PackReference } from './pack-list.ts'
import { recipientIdBytes, unwrapKeys, wrapKeys, wrappedCiphertextBytes } from './recipient.ts'
import type { Recipient, RecoveryKey, WrappedKey } from './recipient.ts'
import { decodeSigned, encodeSigned } from './signed-document.ts'
import { damaged, notGenuine } from './vault-damage.ts'
import type { Vault, WritableVault } from './vault-descriptor.ts'

const bytesOf = (length: number) =>
  z
    .string()
    .transform((text) => Buffer.from(text, 'base64url'))
    .refine((bytes) => bytes.length === length)

/** `[pack, encapsulated key, sealed keys]` for each pack of an epoch. */
const keysSchema = z.object({
  vault: z.string(),
  epoch: z.string().refine(isStampedId),
  id: z.string().refine(isStampedId),
  recipient: bytesOf(recipientIdBytes),
  packs: z.array(z.tuple([z.string(), bytesOf(32), bytesOf(wrappedCiphertextBytes)])),
})

/** What later recipients were given. The files are few and small: one for an epoch and recipient. */
export async function readAddedKeys(vault: Vault, epoch: StampedId): Promise<AddedKeys> {
  const added = new Map<string, WrappedKey[]>()
  for (const { name } of await vault.store.list(keysPrefix(epoch))) {
    const place = parseDocumentName(name, 'k', 'keys')
    if (place === undefined) continue
    const parsed = keysSchema.safeParse(
      decodeSigned('vaultKeys', await vault.store.get(name), name, vault.trust),
    )
    if (!parsed.success) throw damaged(name, 'it is malformed')
    const { recipient, packs, ...rest } = parsed.data
    if (rest.vault !== vault.id || rest.epoch !== epoch || rest.id !== place.id) {
      throw notGenuine(name, 'it belongs elsewhere')
    }
    for (const [pack, encapsulated, ciphertext] of packs) {
      const wrapped = { recipient, sealed: { encapsulated, ciphertext } }
      added.set(pack, [...(added.get(pack) ?? []), wrapped])
    }
  }
  return added
}

/** Wraps the keys of these packs for one more recipient. No pack is read further than its header and index, none is rewritten. */
export async function addRecipient(
  vault: WritableVault,
  epoch: StampedId,
  packs: readonly PackReference[],
  given: {
    readonly key: RecoveryKey
    readonly recipient: Recipient
    readonly clock: Clock
    readonly random: Random
    readonly signer: Signer
  },
): Promise<string> {
  const { key, recipient, clock, random, signer } = given
  const added = await readAddedKeys(vault, epoch)
  const wrapped: Json[] = []
  for (const reference of packs) {
    const { header } = await readPackIndex(vault, epoch, reference)
    const own = [...header.wrapped, ...(added.get(reference.pack) ?? [])].find((one) =>
      Buffer.from(one.recipient).equals(key.id),
    )
    if (own === undefined) throw notForThisKey(packName(epoch, reference.pack))
    const { sealed } = wrapKeys(recipient, header.place, unwrapKeys(key, header.place, own), random.bytes(32))
    wrapped.push([reference.pack, base64url(sealed.encapsulated), base64url(sealed.ciphertext)])
  }
  const id = newStampedId(clock, random)
  const members = { vault: vault.id, epoch, id, recipient: base64url(recipient.id), packs: wrapped }
  const name = keysName(epoch, id)
  await vault.store.putNew(name, [encodeSigned('vaultKeys', members, signer)])
  return name
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
