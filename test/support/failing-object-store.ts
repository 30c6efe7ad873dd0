import type { ByteRange, ObjectInfo, PutOptions } from '../../src/ports/object-store.ts'
import { FaultPlan } from './fault-plan.ts'
import { MemoryObjectStore } from './memory-object-store.ts'

/** Every call can fail, by `plan`. One that stores may have stored, when only the name was not durable yet. */
export class FailingObjectStore extends MemoryObjectStore {
  plan = new FaultPlan()

  override async putNew(
    name: string,
    pieces: readonly Uint8Array[],
    options?: PutOptions,
  ): Promise<'stored' | 'already-there'> {
    this.plan.enterStore(`put ${name}`)
    const stored = await super.putNew(name, pieces, options)
    this.plan.enterStore(`sync the name of ${name}`)
    return stored
  }

  override async get(name: string, range?: ByteRange): Promise<Uint8Array> {
    this.plan.enterStore(`get ${name}`, true)
    return super.get(name, range)
  }

  override async head(name: string): Promise<ObjectInfo | undefined> {
    this.plan.enterStore(`head ${name}`, true)
    return super.head(name)
  }

  override async list(prefix: string): Promise<ObjectInfo[]> {
    this.plan.enterStore(`list ${prefix}`, true)
    return super.list(prefix)
  }
}
