import type { RestoreFile } from '../../src/ports/restore-target.ts'
import type { FaultPlan } from './fault-plan.ts'
import { MemoryRestoreDirectory } from './memory-restore-directory.ts'

/** Every call can fail, by `plan`; a write that fails has written half. */
export class FailingRestoreDirectory extends MemoryRestoreDirectory {
  readonly #plan: FaultPlan

  constructor(plan: FaultPlan) {
    super()
    this.#plan = plan
  }

  override async claim(): Promise<void> {
    this.#plan.enter('claim')
    await super.claim()
  }

  override async createDirectory(path: string): Promise<void> {
    this.#plan.enter(`make ${path}`)
    await super.createDirectory(path)
  }

  override async createFile(path: string): Promise<RestoreFile> {
    const plan = this.#plan
    plan.enter(`create ${path}`)
    const file = await super.createFile(path)
    plan.openFiles += 1
    let isOpen = true
    return {
      async write(pieces) {
        if (plan.calls + 1 === plan.failAt) await file.write(pieces.slice(0, pieces.length >> 1))
        plan.enter(`write ${path}`)
        await file.write(pieces)
      },
      async sync() {
        plan.enter(`sync ${path}`)
        await file.sync()
      },
      async close() {
        if (isOpen) plan.openFiles -= 1
        isOpen = false
        await file.close()
      },
    }
  }

  override async rename(from: string, to: string): Promise<void> {
    this.#plan.enter(`rename ${from}`)
    await super.rename(from, to)
  }

  override async remove(path: string): Promise<void> {
    this.#plan.enter(`remove ${path}`)
    await super.remove(path)
  }

  override async syncDirectory(path: string): Promise<void> {
    this.#plan.enter(`sync the directory ${path}`)
    await super.syncDirectory(path)
  }

  override async freeBytes(): Promise<number> {
    this.#plan.enter('ask for the room')
    return super.freeBytes()
  }
}
