import { mkdir, rm, statfs, chown } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { RecoveryStage, StageReport } from '../../ports/database-recovery.ts'
import type { PostgresMemberConfig, RunAs } from './member-config.ts'
import { exists, readIfExists, replaceOwnedFile, syncDirectory } from './owned-file.ts'
import { permanent, refused } from './postgres-failure.ts'

/** The directory of one recovery beside the member's data directory, on the same file system: what is restored here can be moved there. */
export class RecoveryPlace {
  readonly root: string
  readonly dataDirectory: string
  readonly #owner: RunAs | undefined

  constructor(config: Pick<PostgresMemberConfig, 'dataDirectory' | 'runAs' | 'name'>, run: string) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(run))
      throw permanent('RECOVERY_OUT_OF_ORDER', `${config.name}: not the name of a run`, 'report this')
    this.root = `${config.dataDirectory}.restored-${run}`
    this.dataDirectory = join(this.root, 'data')
    this.#owner = config.runAs
  }

  path(name: string): string {
    return join(this.root, name)
  }

  async make(): Promise<void> {
    const made = await mkdir(this.root, { recursive: true, mode: 0o700 })
    if (made === undefined) return
    if (this.#owner !== undefined) await chown(this.root, this.#owner.uid, this.#owner.gid)
    await syncDirectory(dirname(this.root))
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root)
    return bavail * bsize
  }

  async read(stage: RecoveryStage | 'installing'): Promise<StageReport | undefined> {
    const text = await readIfExists(this.path(`${stage}.json`))
    return text === undefined ? undefined : (JSON.parse(text) as StageReport)
  }

  async write(stage: RecoveryStage | 'installing', report: StageReport): Promise<void> {
    await this.make()
    await replaceOwnedFile(this.path(`${stage}.json`), `${JSON.stringify(report)}\n`, this.#owner)
  }

  /** Everything that an earlier attempt restored; what was exported beside it stays. */
  async clear(): Promise<void> {
    await this.requireNotInstalled()
    for (const stage of ['restored', 'replayed', 'checked', 'finished'])
      await rm(this.path(`${stage}.json`), { force: true })
    await rm(this.dataDirectory, { recursive: true, force: true })
    await syncDirectory(this.root)
  }

  async remove(): Promise<void> {
    await this.requireNotInstalled()
    await rm(this.root, { recursive: true, force: true })
    await syncDirectory(dirname(this.root))
  }

  /** From the first rename on, what was restored is the only copy that is meant to go on. */
  async requireNotInstalled(): Promise<void> {
    if (!(await exists(this.path('installing.json')))) return
    throw refused(
      'RECOVERY_INSTALLED',
      `${this.root} is put in place of the old directory already: nothing of it is removed`,
      'let the run go on: `pointzero resume <run>`',
    )
  }
}
