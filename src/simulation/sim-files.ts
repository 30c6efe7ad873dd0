import type { Files } from '../ports/files.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimProcess } from './sim-process.ts'
import type { SimRandom } from './sim-random.ts'

/** Durable small files on the host's disk. Replacing takes four disk operations with time between them, and the process can die at each. */
export class SimFiles implements Files {
  readonly #loop: EventLoop
  readonly #process: SimProcess
  readonly #random: SimRandom

  constructor(loop: EventLoop, process: SimProcess, random: SimRandom) {
    this.#loop = loop
    this.#process = process
    this.#random = random
  }

  read(path: string): Promise<Uint8Array | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>()
    this.#loop.after(this.#random.between(20, 200), () => {
      this.#process.resume(() => {
        try {
          resolve(this.#process.host.disk.read(path))
        } catch (error) {
          reject(error)
        }
      })
    })
    return promise
  }

  replace(path: string, content: Uint8Array): Promise<void> {
    const { disk } = this.#process.host
    const beside = `${path}.new`
    const stages = [
      () => disk.write(beside, content),
      () => disk.sync(beside),
      () => disk.rename(beside, path),
      () => disk.syncDirectory(),
    ]
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const next = (stage: number): void => {
      this.#loop.after(this.#random.between(50, 800), () => {
        this.#process.deliver(() => {
          try {
            stages[stage]?.()
          } catch (error) {
            this.#process.resume(() => reject(error))
            return
          }
          if (stage + 1 < stages.length) next(stage + 1)
          else this.#process.resume(resolve)
        })
      })
    }
    next(0)
    return promise
  }
}
