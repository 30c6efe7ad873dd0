import { RecoveryError } from '../../src/domain/recovery-error.ts'
import type { ByteRange, ObjectStore } from '../../src/ports/object-store.ts'

/** Objects in memory. `objects` is open to tests that damage them. */
export class MemoryObjectStore implements ObjectStore {
  readonly name = 'memory'
  readonly objects = new Map<string, Uint8Array>()

  async putNew(
    name: string,
    pieces: readonly Uint8Array[],
    options: { readonly lockedUntilMs?: number } = {},
  ): Promise<'stored' | 'already-there'> {
    requireName(name)
    if (options.lockedUntilMs !== undefined) throw refused('OBJECT_LOCK_UNSUPPORTED', name)
    const content = Buffer.concat(pieces)
    const found = this.objects.get(name)
    if (found === undefined) this.objects.set(name, content)
    else if (!content.equals(found)) throw refused('OBJECT_EXISTS', name)
    return found === undefined ? 'stored' : 'already-there'
  }

  async get(name: string, range?: ByteRange): Promise<Uint8Array> {
    requireName(name)
    const found = this.objects.get(name)
    if (found === undefined) throw refused('OBJECT_ABSENT', name)
    if (range === undefined) return found.slice()
    if (range.offset + range.length > found.length) throw refused('OBJECT_TRUNCATED', name)
    return found.slice(range.offset, range.offset + range.length)
  }

  async head(name: string) {
    requireName(name)
    const found = this.objects.get(name)
    return found && { name, sizeBytes: found.length }
  }

  async list(prefix: string) {
    if (prefix !== '') requireName(prefix.slice(0, -1))
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix))
    return names.toSorted().map((name) => ({ name, sizeBytes: this.objects.get(name)?.length ?? 0 }))
  }
}

function requireName(name: string): void {
  const isValid =
    name.length <= 512 && name.split('/').every((part) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(part))
  if (!isValid) throw refused('OBJECT_NAME_INVALID', name)
}

function refused(code: string, name: string): RecoveryError {
  const kind = code === 'OBJECT_EXISTS' || code === 'OBJECT_LOCK_UNSUPPORTED' ? 'refused' : 'permanent'
  return new RecoveryError({ code, class: kind, message: `${code} ${name}`, hint: 'this is a test' })
}
