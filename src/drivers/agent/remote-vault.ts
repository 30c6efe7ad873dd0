import { assert, RecoveryError } from '../../domain/recovery-error.ts'
import { copiesMethods } from '../../ports/copies-wire.ts'
import type { SizeReply } from '../../ports/copies-wire.ts'
import type { ByteRange, ObjectInfo } from '../../ports/object-store.ts'
import type { ObjectReader } from '../../ports/recovery-source.ts'
import type { CopiesCall } from './copies-call.ts'
import { ReadAhead } from './read-ahead.ts'

/** The objects of a vault behind the agent that keeps it. They never change, so what was read once is not asked for again. */
export function openRemoteVault(call: CopiesCall): ObjectReader {
  const ahead = new ReadAhead(async (path, offset, length) =>
    call.bytes(copiesMethods.vaultGet, { path, offset, length }),
  )
  const head = async (name: string): Promise<ObjectInfo | undefined> => {
    const { sizeBytes } = (await call.ask(copiesMethods.vaultHead, { path: name })) as SizeReply
    return sizeBytes === undefined ? undefined : { name, sizeBytes }
  }
  return {
    name: call.name,
    head,
    async list(prefix) {
      assert(prefix === '' || prefix.endsWith('/'), 'a prefix is a folder')
      const reply = await call.ask(copiesMethods.vaultList, { path: prefix })
      return (reply as unknown as { readonly objects: readonly ObjectInfo[] }).objects
    },
    async get(name, range) {
      const wanted = range ?? { offset: 0, length: (await head(name))?.sizeBytes ?? 0 }
      const bytes = await ahead.read(name, wanted.offset, wanted.length)
      if (bytes.length < wanted.length) throw truncated(`${call.name}: ${name}`, wanted, bytes.length)
      return bytes
    },
  }
}

function truncated(name: string, { offset, length }: ByteRange, found: number): RecoveryError {
  return new RecoveryError({
    code: 'OBJECT_TRUNCATED',
    class: 'permanent',
    message: `${name} ends at ${offset + found}; ${offset} to ${offset + length} were wanted`,
    hint: 'see what else is damaged: `pointzero vault verify`',
  })
}
